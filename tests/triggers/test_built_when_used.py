"""The models of vendors' events are built when one is used, once, and not by whoever imports the package."""

from __future__ import annotations

from pydantic import BaseModel

from terse_temporal import triggers
from terse_temporal.events import EventModel
from terse_temporal.serialization.annotations import type_adapter
from terse_temporal.triggers import PullRequestOpened, Push


def test_none_is_built_by_an_import() -> None:
    models = [each for each in vars(triggers).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    put_off = {each.__name__ for each in models if each.model_config.get("defer_build")}
    # These two are small, and start jobs of everybody's.
    assert {each.__name__ for each in models} - put_off == {"ScheduledEvent", "WebhookRequest"}
    # A mistake in a model of a user's own is told where it is defined.
    assert "defer_build" not in EventModel.model_config


def test_one_is_built_once() -> None:
    class Pushed(Push):
        __module__ = Push.__module__

    class Opened(PullRequestOpened):
        __module__ = PullRequestOpened.__module__

    assert not Pushed.__pydantic_complete__
    type_adapter(Pushed)
    assert Pushed.__pydantic_complete__
    built = Pushed.__pydantic_core_schema__
    assert type_adapter(Pushed, {}).validate_python({"ref": "refs/heads/main"}).branch == "main"
    type_adapter(Pushed | Opened)
    assert Pushed.__pydantic_core_schema__ is built
    assert Opened.__pydantic_complete__
