"""What type checkers know of the built-in tools is what these are."""

from __future__ import annotations

from terse_temporal.tools import list_tools, registry
from terse_temporal.tools.stubs import built_in_text
from tests.webhooks import ROOT

FILE = ROOT / "terse_temporal" / "tools" / "builtin_types.pyi"


def text() -> str:
    """What the file should be."""
    list_tools()
    return built_in_text(registry._built_in[name] for name in sorted(registry._built_in))  # whatever tests call alike


def test_the_file_is_up_to_date() -> None:
    """A built-in tool that was changed has its types changed: `python -m tests.tools.test_builtin_types` does it."""
    assert FILE.read_text("utf-8") == text()


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
