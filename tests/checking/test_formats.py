"""Findings as text, JSON and SARIF, and how the command ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from terse_temporal.checking import CODES

from ..commands import run
from ..in_process import Ended, run_command
from .reading import handler

#: What SARIF 2.1.0 requires of the parts that are written here (sections 3.13 to 3.30 of the standard).
_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_POSITION = {"type": "integer", "minimum": 1}
_REGION = {
    "type": "object",
    "required": ["startLine"],
    "properties": dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), _POSITION),
    "additionalProperties": False,
}
_LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "properties": {"uri": {"type": "string", "format": "uri-reference"}},
                },
                "region": _REGION,
            },
        }
    },
}
_RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "help"],
    "properties": {
        "id": {"type": "string"},
        "shortDescription": _TEXT,
        "help": _TEXT,
        "defaultConfiguration": {"type": "object", "properties": {"level": _LEVEL}},
    },
}
_RESULT = {
    "type": "object",
    "required": ["message", "ruleId", "level", "locations"],
    "properties": {
        "ruleId": {"enum": list(CODES)},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": _LEVEL,
        "message": _TEXT,
        "locations": {"type": "array", "minItems": 1, "items": _LOCATION},
    },
}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs", "$schema"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {"type": "array", "items": _RULE, "uniqueItems": True},
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": _RESULT},
                },
            },
        },
    },
}

WRONG = handler(
    """
    'ärger'; time.sleep(1)
    print("Hello")
    WAIT = "3d"  # terse: ignore[TERSE301]
    """
)


def checked(*arguments: str, cwd: Path) -> Ended:
    return run_command("check", *arguments, cwd=cwd)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my jobs").mkdir()
    (tmp_path / "my jobs" / "wrong.py").write_text(WRONG)
    (tmp_path / "right.py").write_text(handler("await sleep('3d')"))
    (tmp_path / "noted.py").write_text("WAIT = 1  # terse: ignore[TERSE301]\n")
    (tmp_path / "src" / "chk_shop").mkdir(parents=True)
    (tmp_path / "src" / "chk_shop" / "__init__.py").touch()
    (tmp_path / "src" / "setup.py").touch()
    (tmp_path / "broken.py").write_text("def broken(:\n")
    return tmp_path


def test_text(folder: Path) -> None:
    """A line says where, what and why, the next the fix, and the last how much; columns count characters."""
    ended = checked("my jobs/wrong.py", cwd=folder)
    assert ended.status == 1
    line = WRONG.splitlines().index("    'ärger'; time.sleep(1)") + 1
    first, fix, *_, last = ended.stdout.splitlines()
    assert first.startswith(
        f"my jobs/wrong.py:{line}:14: error TERSE201: time.sleep() in the handler of the job 'chk-case'. "
    )
    assert re.fullmatch(r"    fix: wait with `await sleep\(.*", fix)
    assert last == "1 error, 1 warning, 1 note in 1 file, 1 job"
    assert ended.stderr == ""


def test_json(folder: Path) -> None:
    """One object with every finding."""
    report = json.loads(checked("my jobs/wrong.py", "--format", "json", cwd=folder).stdout)
    assert [each["code"] for each in report["findings"]] == ["TERSE201", "TERSE216", "TERSE001"]
    assert [each["severity"] for each in report["findings"]] == ["error", "warning", "note"]
    assert (report["files"], report["jobs"]) == (1, 1)
    assert all(each["fix"] and each["because"] and each["explained_by"] for each in report["findings"])


@pytest.mark.server
@pytest.mark.parametrize("written", ["text", "json", "sarif"])
def test_output_that_is_ascii(written: str, folder: Path) -> None:
    """Where the output takes less than Unicode, nothing breaks, and JSON is JSON."""
    (folder / "ärger.py").write_text((folder / "my jobs" / "wrong.py").read_text())
    command = ("terse-temporal", "check", "ärger.py", "--format", written)
    ended = run(*command, cwd=folder, env={"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (1, "")
    if written == "text":
        assert ended.stdout.startswith("\\xe4rger.py:")
    elif written == "json":
        assert json.loads(ended.stdout)["findings"][0]["file"] == "ärger.py"
    else:
        assert json.loads(ended.stdout)["version"] == "2.1.0"


def test_sarif(folder: Path) -> None:
    """A log that fits the standard, with every rule, and files as relative addresses."""
    log = json.loads(checked("my jobs/wrong.py", "--format", "sarif", cwd=folder).stdout)
    jsonschema.validate(log, SARIF, format_checker=jsonschema.FormatChecker())
    (only,) = log["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(CODES)
    assert [result["ruleId"] for result in only["results"]] == ["TERSE201", "TERSE216", "TERSE001"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in only["results"])
    where = only["results"][0]["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "my%20jobs/wrong.py"
    assert (where["region"]["startColumn"], where["region"]["endColumn"]) == (14, 27)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["right.py"], 0),
        (["noted.py"], 0),
        (["right.py", "my jobs/wrong.py"], 1),
        (["my jobs/wrong.py", "--ignore", "TERSE2"], 0),
        (["my jobs/wrong.py", "--ignore", "TERSE201,TERSE216"], 0),
        (["my jobs/wrong.py", "--select", "TERSE216"], 1),
        (["my jobs/wrong.py", "--select", "TERSE1"], 0),
    ],
)
def test_status(arguments: list[str], status: int, folder: Path) -> None:
    """1 for errors and warnings that were asked for; a note is none."""
    assert checked(*arguments, cwd=folder).status == status


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rihgt.py"], "there is no file 'rihgt.py'; did you mean 'right.py'?"),
        (["rihgt"], "there is no module 'rihgt'; did you mean 'right'?"),
        (["no.such.module"], "there is no module 'no.such.module'; looked in"),
        (["my jobs/"], "the directory 'my jobs/' is not a package"),
        (["src"], "name its files and packages: 'src/chk_shop', 'src/setup.py'."),
        (["broken.py"], "'broken.py' cannot be read: broken.py:1: SyntaxError: invalid syntax"),
        (["broken"], "'broken.py' cannot be read: broken.py:1: SyntaxError: invalid syntax"),
        (["right.py", "--select", "TERSE9"], "there is no code 'TERSE9'"),
    ],
)
def test_what_cannot_be_read(arguments: list[str], said: str, folder: Path) -> None:
    """2, and a message that says what and where."""
    ended = checked(*arguments, cwd=folder)
    assert ended.status == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
