"""A group of commands, each imported when it is called: for the list of them their first sentences stand in a table."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from .importing import no_garbage_collection

__all__ = ["LazyCommands"]


class LazyCommands(TyperGroup):
    """The commands by name: for the list of them their first sentences, and the whole of the one that is called.

    Attributes:
        package: where the modules of the commands stand.
        table: the module of each command, its name in there, and the first line of its documentation.
    """

    package: ClassVar[str]
    table: ClassVar[Mapping[str, tuple[str, str, str]]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=first_line) for name, (_, _, first_line) in self.table.items()}

    @classmethod
    def group(cls, name: str, **settings: Any) -> typer.Typer:
        """Return the group as an app of typer, to which its own documentation is added as a callback."""
        return typer.Typer(
            name=name,
            cls=cls,
            no_args_is_help=True,
            add_completion=False,
            pretty_exceptions_enable=False,
            rich_markup_mode="markdown",
            **settings,
        )

    @classmethod
    def load(cls, name: str) -> Any:
        """Import a command, and return it as typer has it."""
        module, attribute, _ = cls.table[name]
        with no_garbage_collection():
            found = getattr(import_module(f".{module}", cls.package), attribute)
        if isinstance(found, typer.Typer):
            command = typer.main.get_command(found)
            command.name = name
            return command
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
        alone.command(name)(found)
        return typer.main.get_command(alone)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name is not None and name in self.table else command, rest
