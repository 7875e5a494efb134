"""Importing this package changes nothing that belongs to the process: it is a worker, or a command, that may."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

#: Imports all of the package, and prints what it has brought, or what it has changed. The modules of others, which do
#: as they like, are imported before.
PROGRAM = """
import importlib, json, logging, pkgutil, signal, sys, threading, warnings

hooks = []
sys.addaudithook(lambda event, _: hooks.append(event) if event == "sys.addaudithook" else None)

def state():
    loggers = {name: each for name, each in logging.root.manager.loggerDict.items() if isinstance(each, logging.Logger)}
    loggers["root"] = logging.root
    ours = [name for name in loggers if name.startswith("terse_temporal")]
    return {
        "loggers": {
            name: [each.level, each.propagate, each.disabled, *map(repr, [*each.filters, *each.handlers])]
            for name, each in loggers.items()
            if name not in ours
        },
        "logging": [logging.root.manager.disable, repr(logging.getLoggerClass()), repr(logging.getLogRecordFactory())],
        "warnings": list(map(repr, warnings.filters)),
        "signals": {each.name: repr(signal.getsignal(each)) for each in signal.Signals},
        "hooks": [repr(sys.excepthook), repr(sys.unraisablehook), repr(threading.excepthook), repr(sys.displayhook)],
        "imports": [list(map(repr, sys.meta_path)), list(map(repr, sys.path_hooks)), sys.path],
        "audit hooks": len(hooks),
        "trace": [repr(sys.gettrace()), repr(sys.getprofile())],
    }

for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except Exception:  # some can be imported by others only
        pass
before = state()
import terse_temporal
for each in pkgutil.walk_packages(terse_temporal.__path__, "terse_temporal."):
    if each.name != "terse_temporal.__main__" and "demo_files" not in each.name:
        importlib.import_module(each.name)
after = state()
before["loggers"] = {name: before["loggers"].get(name, [0, True, False]) for name in after["loggers"]}
changed = {what: [before[what], after[what]] for what in before if before[what] != after[what]}
foreign = [name for name in sys.modules if not name.startswith("terse_temporal")]
print(json.dumps({"changed": changed, "foreign": foreign}))
"""


def imported(first: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(first)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.server
def test_what_an_import_changes() -> None:
    """No logger of others, no filter of warnings, no signal handler and no hook is another after the import."""
    foreign = imported([])["foreign"]
    assert "temporalio.client" in foreign
    assert imported(foreign)["changed"] == {}
