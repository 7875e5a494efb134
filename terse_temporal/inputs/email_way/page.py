"""A mail as HTML, of a few kinds of blocks: tables and inline styles, which is what mail programs show alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final, Literal, TypeAlias

__all__ = ["Block", "Button", "html_page"]

Kind: TypeAlias = Literal["prompt", "lead", "note", "small", "table", "buttons"]


@dataclass(frozen=True, slots=True)
class Button:
    """An answer to choose.

    Attributes:
        label: what it says.
        link: where it leads; without one it is only named.
        description: what it means.
    """

    label: str
    link: str | None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a mail.

    Attributes:
        kind: how it is shown.
        text: of all but tables and buttons.
        rows: of a table: names and values.
        buttons: of buttons.
    """

    kind: Kind
    text: str = ""
    rows: Sequence[tuple[str, str]] = field(default_factory=list)
    buttons: Sequence[Button] = field(default_factory=list)


#: The colours are those of the page that it leads to.
_FONT: Final = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"

#: Colours of the dark theme, for programs that have one and heed this; the others turn the light ones by themselves.
_STYLE: Final = (
    "@media (prefers-color-scheme: dark) {"
    " body, .page { background: #0e1311 !important; color: #e4ebe7 !important }"
    " .card { background: #171d1a !important; border-color: #2c3631 !important; border-top-color: #7cd3b0 !important }"
    " .dim { color: #9fada6 !important }"
    " }"
)

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "prompt": ("", "font-size:19px;line-height:1.4;font-weight:600;margin:0 0 20px"),
    "lead": ("", "font-size:16px;line-height:1.5;margin:0 0 20px"),
    "note": ("dim", "font-size:14px;line-height:1.5;color:#51605a;margin:0 0 16px"),
    "small": ("dim", "font-size:13px;line-height:1.5;color:#51605a;margin:0"),
}


def html_page(title: str, blocks: Sequence[Block]) -> str:
    """Return a mail as HTML.

    Args:
        title: of the document.
        blocks: its parts; whatever stands in them is shown as text.
    """
    inner = "\n".join(filter(None, map(_block, blocks)))
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body style="margin:0;background:#eef1f0;color:#16211d;{_FONT}">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#eef1f0">
<tr><td align="center" style="padding:24px 12px">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0"
 style="max-width:600px;background:#ffffff;border:1px solid #d3dbd7;border-top:4px solid #11614a;
 border-radius:4px 4px 10px 10px">
<tr><td style="padding:28px 24px;text-align:left;{_FONT}">
{inner}
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
"""


def _block(block: Block) -> str:
    match block.kind:
        case "table":
            return _table(block.rows)
        case "buttons":
            return "\n".join(map(_button, block.buttons))
    name, style = _TEXTS[block.kind]
    return f'<p{_class(name)} style="{style}">{_lines(block.text)}</p>'


def _table(rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    cell = "font-size:14px;line-height:1.5;padding:4px 0;vertical-align:top"
    lines = "\n".join(
        f'<tr><th scope="row" class="dim" align="left" style="{cell};padding-right:16px;min-width:72px;color:#51605a;'
        f'font-weight:400;word-break:break-word">{_lines(name)}</th>'
        f'<td style="{cell};word-break:break-word">{_lines(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table cellpadding="0" cellspacing="0" style="margin:0 0 20px">\n{lines}\n</table>'


def _button(button: Button) -> str:
    described = (
        f'<span class="dim" style="display:block;font-size:13px;color:#51605a;margin-top:4px">'
        f"{_lines(button.description)}</span>"
        if button.description
        else ""
    )
    if button.link is None:
        return f'<p style="margin:0 0 12px;font-size:15px">{_lines(button.label)}{described}</p>'
    return (
        f'<p style="margin:0 0 16px"><a href="{escape(button.link)}" style="display:inline-block;background:#11614a;'
        f'color:#ffffff;text-decoration:none;font-size:15px;font-weight:600;padding:11px 20px;border-radius:6px">'
        f"{_lines(button.label)}</a>{described}</p>"
    )


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
