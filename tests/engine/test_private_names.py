"""Private names of the Temporal SDK and of Python are used in the two files that say what each waits for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import terse_temporal

PACKAGE: Final = Path(terse_temporal.__file__).parent

#: The files, and what stands in each: the private names that it uses.
PRIVATE: Final = {
    "engine/sdk_private.py": {
        *("_bridge_worker", "_activity_worker", "_data_converter", "_shutdown_complete_event", "_register_task"),
        *("_tasks", "__temporal_workflow_definition", "__temporal_error_identifier", "_start_workflow_response"),
        *("_Context", "_workflow_worker", "_deadlock_timeout_seconds", "_client", "_running_activities"),
        "_handle_cancel_activity_task",
    },
    "diagnostics/python_private.py": {
        *("_lru_cache_wrapper", "_ncallbacks", "_start_new_thread", "_set_running_loop", "_log_destroy_pending"),
        "_data",
    },
}

#: Documented by Python, underscore or not.
DOCUMENTED: Final = {"_getframe", "_current_frames", "_exit", "_value_"}

#: Of this package, set on others' objects by name: on nodes of a syntax tree, and in a module that has proxies.
SET_BY_NAME: Final = {"_parent", "_scope", "_replaced", "_originals"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__")) and name.strip("_") != ""


def own_names() -> set[str]:
    """The names that modules of the package, but for these two, define themselves."""
    found: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        if file.relative_to(PACKAGE).as_posix() in PRIVATE:
            continue
        found.add(file.stem)
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    found.add(name)
                case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                    found.add(name)
    return found


def used(file: Path) -> Iterator[tuple[str, int]]:
    """The private names that a module asks something for: as attributes, by import, or as a string."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Attribute(attr=name) if is_private(name):
                yield name, node.lineno
            case ast.ImportFrom(module=module, names=names):
                parts = [*(module or "").split("."), *(each.name for each in names)]
                yield from ((part, node.lineno) for part in parts if is_private(part))
            case ast.Import(names=names):
                yield from ((part, node.lineno) for each in names for part in each.name.split(".") if is_private(part))
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, ast.Constant(value=str(name)), *_]
            ):
                if is_private(name):
                    yield name, node.lineno
            case ast.Subscript(value=ast.Call(func=ast.Name(id="vars")), slice=ast.Constant(value=str(name))):
                if is_private(name):
                    yield name, node.lineno


def test_no_other_file_uses_one() -> None:
    """A private name that no module of the package defines stands in one of the two files alone."""
    ours = own_names() | DOCUMENTED | SET_BY_NAME
    found = [
        f"{path}:{line} {name}"
        for file in sorted(PACKAGE.rglob("*.py"))
        if (path := file.relative_to(PACKAGE).as_posix()) not in PRIVATE
        for name, line in used(file)
        if name not in ours
    ]
    assert found == []


def test_what_the_files_use() -> None:
    """Each uses the names that are listed here, and says of every one what it waits for."""
    for path, names in PRIVATE.items():
        text = (PACKAGE / path).read_text()
        assert {name for name, _ in used(PACKAGE / path)} == names
        assert text.lower().count("waits for: ") + text.count("Waits for a ") >= len(names) - 3  # some are two at once
