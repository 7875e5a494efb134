"""`terse-temporal generate`: types of the tools and of the state, for editors and type checkers."""

from __future__ import annotations

import inspect
import shlex
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import BaseModel

from ..diagnostics.places import shown_path
from ..jobs.registry import registered_jobs
from ..tools.stubs import stub_text
from .exiting import FAILED, CommandError
from .mounted_tools import load_tools
from .options import Debug, Targets
from .output import console

__all__ = ["generate"]

_FILE: Final = Path("terse_temporal") / "__init__.pyi"


def generate(
    targets: Targets,
    output: Annotated[
        Path, typer.Option(metavar="DIRECTORY", help="Where type checkers look for stubs of your own.")
    ] = Path("typings"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if what is there is not up to date.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Write the types of the tools that jobs may call, so that editors complete them and type checkers check them.

    Also those of the keys of each job's state, for handlers that take it as `State[Model]`.

    The modules are imported, and the MCP servers that they mount are started or connected and asked for their tools.
    Pyright and Pylance read `typings` by themselves; mypy needs `mypy_path = "typings"` in its settings.
    """
    found, missing = load_tools(targets)
    if missing:
        raise CommandError("\n".join(map(str, missing)), status=FAILED)
    file = output / _FILE
    command = shlex.join(["terse-temporal", "generate", *targets, *_unless_usual(output)])
    text = stub_text(found, command, _models())
    path = shown_path(str(file))
    if check:
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            why = "is not up to date" if file.exists() else "is not there"
            raise CommandError(f"{path!r} {why}: the tools or states have changed since. Run: {command}", status=FAILED)
        console.print(f"{path} is up to date", markup=False)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as err:
        raise CommandError(f"cannot write {path!r}: {err.strerror}") from err
    console.print(f"{path}: the types of {len(found)} tools", markup=False)
    console.print(
        f'Pyright and Pylance read a directory "typings" by themselves; for mypy set mypy_path = "{output}".',
        markup=False,
    )


def _models() -> list[type[BaseModel]]:
    """Return the models that jobs have as their `states=`."""
    return [each.states for each in registered_jobs() if inspect.isclass(each.states)]


def _unless_usual(output: Path) -> list[str]:
    return [] if output == Path("typings") else ["--output", str(output)]
