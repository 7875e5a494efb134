"""What a wheel has besides the package: its documentation, and the README as an index shows it.

There the README's links into the repository lead nowhere. A page of the documentation comes with the package, so what
is left of a link to one is the command that prints it. Of other links the text is left.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)]+)\)")
_IMAGE = re.compile(r"!\[[^\]]*\]\((?!https?:)[^)]+\)\n*")
_PAGE = re.compile(r"docs/(\w+)\.md(?:#.*)?")


class DocsHook(BuildHookInterface[Any]):
    """Puts the pages of `docs/` into the package; where it is installed to be edited they stand beside it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add them."""
        if version != "editable":
            for page in Path(self.root, "docs").glob("*.md"):  # without their pictures, which no terminal shows
                build_data["force_include"][str(page)] = f"terse_temporal/_docs/{page.name}"


class ReadmeHook(MetadataHookInterface):
    """Sets the field `readme`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set it from README.md."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": for_an_index(text)}


def for_an_index(readme: str) -> str:
    """Return the text without links that are relative, and without such pictures."""
    return _LINK.sub(_instead, _IMAGE.sub("", readme))


def _instead(link: re.Match[str]) -> str:
    text, target = link[1], link[2]
    page = _PAGE.fullmatch(target)
    if page is None:
        return text
    command = f"`terse-temporal explain {page[1]}`"
    return command if text == target else f"{text} ({command})"
