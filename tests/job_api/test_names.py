"""Names of jobs and steps can be sent, and make one line of a log."""

from __future__ import annotations

import pytest

from terse_temporal import create_job, step
from terse_temporal.errors import JobDefinitionError


@pytest.mark.parametrize("name", ["bad \udcff", "two\nlines", "bell\x07", "line\u2028separator"])
def test_a_name_that_is_refused(name: str) -> None:
    """Half a surrogate pair, a line break or a control character in a name is refused where it is given."""
    with pytest.raises(JobDefinitionError, match="a name cannot have") as of_job:

        @create_job(name=name)
        async def handler(event: object) -> None: ...

    with pytest.raises(JobDefinitionError, match="a name cannot have") as of_step:
        step(name=name)(_function)
    for caught in (of_job, of_step):
        assert str(caught.value).isprintable()


async def _function() -> None: ...
