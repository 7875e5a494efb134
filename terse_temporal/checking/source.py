"""A module as it is written: its tree, its names, its lines."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..diagnostics.places import place, shown_path
from ..errors import JobLoadError
from .scopes import Names

__all__ = ["Module", "read_module"]


@dataclass(eq=False, slots=True)
class Module:
    """One file.

    Attributes:
        name: the dotted name that it is imported by.
        path: where it is.
        lines: its text, for comments.
        is_careful: whether it may mark lines as outside of the rules of workflows.
    """

    name: str
    path: Path
    tree: ast.Module
    lines: list[str]
    names: Names = field(repr=False)
    is_careful: bool

    @property
    def is_package(self) -> bool:
        return self.path.stem == "__init__"

    def comments(self) -> Iterator[tuple[int, int, str]]:
        """Line, column and text of every comment."""
        lines = iter([f"{line}\n" for line in self.lines])
        for token in tokenize.generate_tokens(lambda: next(lines, "")):
            if token.type == tokenize.COMMENT:
                yield *token.start, token.string

    def imports(self) -> Iterator[str]:
        """Yield the dotted names that it imports, of which some may be no modules."""
        for nodes in (self.names.nodes, *(function.nodes for function in self.names.functions)):
            for node in nodes:
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    source = self.absolute(node)
                    yield source
                    yield from (f"{source}.{alias.name}" for alias in node.names)

    def absolute(self, statement: ast.ImportFrom) -> str:
        """Return the dotted name of the module that a `from … import` takes from."""
        if not statement.level:
            return statement.module or ""
        parts = self.name.split(".")
        # Of a package, one dot is the package itself.
        kept = parts[: len(parts) - statement.level + self.is_package]
        return ".".join([*kept, statement.module] if statement.module else kept)


def read_module(name: str, path: Path) -> Module:
    """Read and parse a file. Nothing of it is run.

    Raises:
        JobLoadError: it cannot be read, or is not Python.
    """
    shown = shown_path(str(path))
    try:
        with tokenize.open(path) as file:  # in the encoding that the file declares
            text = file.read()
        tree = ast.parse(text, filename=str(path))
        # Not splitlines(), for which a form feed ends a line too.
        return Module(name, path, tree, text.split("\n"), Names(tree), "workflow.unsafe" in text)
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        where = place(str(path), error.lineno or 1) if isinstance(error, SyntaxError) else shown
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise JobLoadError(f"{shown!r} cannot be read: {where}: {type(error).__name__}: {said}") from None
    except OSError as error:
        raise JobLoadError(f"{shown!r} cannot be read: {error.strerror or error}") from None
    except RecursionError:
        raise JobLoadError(f"{shown!r} cannot be read: its expressions are nested too deeply") from None
