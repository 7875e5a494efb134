"""`pytest.fail` and `pytest.skip` in the test double of a step fail the test, at once and in their own words."""

from __future__ import annotations

from .project import SHOP, Project


def test_they_fail_the_test(project: Project) -> None:
    """The function is called once, and the words stand in the report."""
    project.write("shop.py", SHOP)
    project.write(
        "test_shop.py",
        """
        import pytest
        import shop

        @pytest.mark.parametrize("outcome", [pytest.fail, pytest.skip])
        async def test_one(jobs, outcome):
            jobs.steps.charge.does(lambda amount: outcome("nobody is to be charged"))
            try:
                await jobs.run("kit-order", {"amount": 3})
            finally:
                assert len(jobs.steps.charge.calls) == 1
        """,
    )
    result = project.test()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*: Failed: nobody is to be charged*", "*: Skipped: nobody is to be charged*"])
