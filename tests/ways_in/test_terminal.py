"""Nothing that others have named or said drives the terminal of whoever looks at it."""

from __future__ import annotations

import io
import json

import pytest
from rich.table import Table
from rich.text import Text

from terse_temporal.cli import output
from terse_temporal.cli.event_argument import read_event_argument
from terse_temporal.cli.state import _value
from terse_temporal.diagnostics.text import json_text, one_line, printable
from terse_temporal.errors import EventError

BAD = "a\x1b]52;c;aGk=\x07b\x1b[2J\x9b31mc\x00\rd\x7f\u202ee\u2066f\u2028g\udcffh[/x]"
DRIVES = set("\x1b\x07\x9b\x00\r\x7f\u202e\u2066\u2028\udcff")


@pytest.mark.parametrize("colour", [False, True])
def test_consoles(colour: bool) -> None:
    """In plain lines, styled ones, tables and what is styled by the library, which stays."""
    stream = io.StringIO()
    console = output._Console(file=stream, soft_wrap=True, highlight=False, color_system="standard" if colour else None)
    table = Table(title=Text(BAD))
    table.add_column(Text(BAD))
    table.add_row(Text(BAD))
    console.print(BAD, markup=False)
    console.print(Text(BAD, style="bold red"))
    console.print("[bold]ours[/]")
    console.print(table)
    written = stream.getvalue()
    if colour:
        assert "\x1b[1mours\x1b[0m" in written
        for style in ("\x1b[1m", "\x1b[0m", "\x1b[1;31m", "\x1b[3m", "\x1b[3;"):
            written = written.replace(style, "")
    assert not DRIVES & set(written)
    # Bells and carriage returns the library leaves out by itself.
    assert written.startswith(r"a\x1b]52;c;aGk=b\x1b[2J\x9b31mc\x00d\x7f\u202ee\u2066f\u2028g\udcffh[/x]" + "\n")


def test_texts() -> None:
    assert printable("a\tb\nc é 日本 👩‍👩‍👧") == "a\tb\nc é 日本 👩‍👩‍👧"
    assert one_line("a\tb\nc\x1b") == r"a\tb\nc\x1b"
    for indent in (None, 2):
        text = json_text({BAD: [BAD]}, indent)
        assert not DRIVES & set(text)
        assert json.loads(text) == {BAD: [BAD]}


def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json([BAD, "é"])
    written = capsys.readouterr().out
    assert not DRIVES & set(written)
    assert json.loads(written) == [BAD, "é"]
    assert "é" in written


@pytest.mark.parametrize("event", ['{"a": 1e999}', '{"a": [-1e999]}', '{"a": ' + "9" * 400 + ".0}", '{"a": NaN}'])
def test_numbers_that_json_has_not(event: str) -> None:
    """An event with one is refused, before it is sent as what is no JSON."""
    with pytest.raises(EventError, match="is not JSON") as caught:
        read_event_argument(event)
    assert len(str(caught.value)) < 200
    assert read_event_argument('{"a": 1e308, "b": 0.1}') == {"a": 1e308, "b": 0.1}


def test_values_of_state() -> None:
    """The same for what a person types as a value: it is taken as a string."""
    assert _value("1e999") == ("1e999", "as a string, as it is not JSON")
    assert _value("[1e9]") == ([1e9], "as JSON")
