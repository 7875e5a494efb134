"""Tools and servers that are declared wrongly are refused when their module is imported, with both places."""

from __future__ import annotations

import importlib
import re

import pytest

from terse_temporal import toolbox
from terse_temporal.errors import JobDefinitionError
from terse_temporal.execution.in_place import DirectExecution
from terse_temporal.execution.protocol import executing
from terse_temporal.jobs.registry import collecting
from terse_temporal.tools import Toolbox, find_tool, registry
from terse_temporal.tools.mcp.mount import canonical
from terse_temporal.tools.mcp.mounts import mounts
from terse_temporal.tools.stubs import stub_text

from . import jobs_toolbox
from .conftest import Load

MODULE = """
from terse_temporal import toolbox

toolbox.mount("tracker", {})
"""


def test_one_name_is_one_tool() -> None:
    """A second tool of a name is refused, naming both places; the same module again is not a second."""
    with pytest.raises(JobDefinitionError) as caught:

        @toolbox.tool("shop.lie")
        def other() -> None: ...

    assert "is nested" in str(caught.value) or "at module level" in str(caught.value)
    importlib.reload(jobs_toolbox)
    assert find_tool("shop.lie").origin == "tests.tools.jobs_toolbox"


def test_another_module_with_the_same_name(load: Load) -> None:
    """Both places are in the message."""
    text = "from terse_temporal import toolbox\n\n@toolbox.tool('shop.lie')\ndef lie() -> None: ...\n"
    with pytest.raises(JobDefinitionError) as caught:
        load("another_shop", text)
    message = str(caught.value)
    assert "the tool 'shop.lie' is registered twice" in message
    assert "tests/tools/jobs_toolbox.py:" in message
    assert re.search(r"another_shop\.py:3", message)


@pytest.mark.parametrize("name", ["send", "slack.", "a b.c", "", "mount.it", "call.me", "tool.x", "all.x"])
def test_names_of_tools(load: Load, name: str) -> None:
    """A name is a toolbox, a dot and a tool, and no method of the toolbox."""
    text = f"from terse_temporal import toolbox\n\n@toolbox.tool({name!r})\ndef it() -> None: ...\n"
    with pytest.raises(JobDefinitionError):
        load("misnamed", text)


async def test_any_other_word_names_a_toolbox(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the toolbox does not say in public takes no name away."""
    monkeypatch.setattr(registry, "_tools", {})
    names = ["add", "find", "tools", "toolboxes", "register", "list", "name", "get", "items", "self"]
    assert [name for name in vars(Toolbox) if not name.startswith("_")] == ["tool", "mount", "call"]
    lines = [f"@toolbox.tool('{name}.{name}')\ndef {name}_() -> str: return '{name}'\n" for name in names]
    load("any_word", "\n".join(["from terse_temporal import toolbox", *lines]))
    assert [await getattr(getattr(toolbox, name), name)() for name in names] == names
    typed = stub_text([find_tool(f"{name}.{name}") for name in names], "a command")
    compile(typed, "stub", "exec")
    assert all(f"    def {name}(self) -> _{name.title()}: ..." in typed for name in names)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "give either command=["),
        ('command=["x"], url="https://x"', "give either command=["),
        ('command="npx -y server"', "command=['npx', '-y', 'server']"),
        ("command=[]", "command is not a list of words"),
        ('url="example.com/mcp"', "begins with https://"),
        ('url="https://x", env={"A": "b"}', "for a url give headers="),
        ('command=["x"], headers={"A": "b"}', "for a command give env="),
        ('command=["x"], env={"TOKEN": 5}', "env['TOKEN'] is a int"),
        ('command=["x"], on_interrupt="never"', "on_interrupt='never'"),
    ],
)
def test_options_of_a_mount(load: Load, arguments: str, said: str) -> None:
    """What makes no sense is told at import, with what does."""
    with pytest.raises(JobDefinitionError) as caught:
        load("mounting", MODULE.format(arguments))
    assert said in str(caught.value)


def test_mounting_twice(load: Load) -> None:
    """The same settings are the same mount, others of the same name are an error that names both places."""
    load("first", MODULE.format('command=["server"], env={"TOKEN": "hush-hush"}'))
    load("second", MODULE.format('command=["server"], env={"TOKEN": "hush-hush"}'))
    mount = mounts.get("tracker")
    assert mount is not None
    assert mount.modules == {"first", "second"}
    with pytest.raises(JobDefinitionError) as caught:
        load("third", MODULE.format('command=["server"], env={"TOKEN": "quite-another"}'))
    message = str(caught.value)
    assert "the toolbox 'tracker' is mounted twice, with different settings" in message
    assert re.search(r"first\.py:4 and at \S*third\.py:4", message)
    assert "quite-another" not in message
    assert "hush-hush" not in repr(mount)


def test_a_module_that_is_edited_and_executed_again(load: Load) -> None:
    """It mounts what it says now; executed for a copy of it, it mounts nothing."""
    load("edited", MODULE.format('command=["server"]'))
    load("edited", "\n" + MODULE.format('command=["server", "--new"]'))
    with collecting():
        load("edited", MODULE.format('command=["server", "--of a run"]'))
    (mount,) = mounts
    assert mount.command == ("server", "--new")
    assert mount.where.endswith("edited.py:5")


def test_mounting_in_a_run(load: Load) -> None:
    """A mount belongs at the top of a module: in a handler or a step it would come too late."""
    with executing(DirectExecution("a-job", "jobs.py:1")), pytest.raises(JobDefinitionError) as caught:
        load("late", MODULE.format('command=["server"]'))
    assert "during a run. Servers are connected when a worker starts" in str(caught.value)


def test_names_as_python_has_them() -> None:
    """The spellings of servers and of TypeScript come down to one."""
    names = ["createIssue", "create-issue", "create_issue", "create.issue", "CreateIssue", "create_issue_"]
    assert {canonical(name) for name in names} == {"create_issue"}
    assert canonical("getHTTPResponse") == "get_http_response"
    assert canonical("list_v2") == canonical("listV2") == "list_v2"
