"""Whatever a server says of its answer, and whatever is given as a header, costs little and ends as a `ToolError`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from terse_temporal import toolbox
from terse_temporal.errors import ServiceError, StepInputError
from terse_temporal.tools.builtin.http.client import _codec

from ..servers import Answer, HttpServer, http_server


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[HttpServer]:
    async with http_server() as running:
        yield running


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("utf-8", "utf-8"),
        ('"UTF8"', "utf-8"),
        ("latin-1", "iso8859-1"),
        ("ISO-8859-15", "iso8859-15"),
        ("windows-1252", "cp1252"),
        ("Shift_JIS", "shift_jis"),
        ("EUC-KR", "euc_kr"),
        ("gbk", "gbk"),
        ("big5", "big5"),
        ("KOI8-R", "koi8-r"),
        ("utf-16", "utf-16"),
        *[
            (name, "utf-8")
            for name in [
                "punycode",
                "idna",
                "unicode_escape",
                "raw_unicode_escape",
                "utf-7",
                "undefined",
                "hex",
                "rot13",
                "base64",
                "zlib",
                "bz2",
                "uu",
                "quopri",
                "mbcs",
                "nonsense",
                "a\x00b",
            ]
        ],
    ],
)
def test_charsets(charset: str, codec: str) -> None:
    """Those that text comes in; any other is read as UTF-8, as one that is not named."""
    assert _codec(f"text/html; charset={charset}") == codec
    assert _codec(f"text/html;a=b ;CHARSET = {charset}; x") == codec


def test_no_charset() -> None:
    for header in ("", "text/html", "text/html; charset=", "charset=latin-1", f"text/html{'; a' * 50_000}"):
        assert _codec(header) == "utf-8"


@pytest.mark.parametrize("charset", ["punycode", "idna"])
async def test_answers_that_take_long_to_read(server: HttpServer, charset: str) -> None:
    """Two megabytes in Python's slowest codecs: read as UTF-8, at once, in answers and in errors."""
    content = b"aaa-" + b"a" * 2_000_000
    headers = {"Content-Type": f"text/html; charset={charset}"}
    server.script = [Answer(200, content=content, headers=headers), Answer(400, content=b"a-\xff" * 9, headers=headers)]
    began = time.process_time()
    assert (await toolbox.http.request(method="GET", url=server.url)).body == content.decode()
    with pytest.raises(ServiceError, match="answered with 400"):
        await toolbox.http.request(method="GET", url=server.url)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "name", ["Content-Length", "transfer-encoding", "Connection", "TE", "a b", "a\r\nb: 1", "", "é"]
)
def test_headers_of_the_connection(name: str) -> None:
    """Refused when the call is made, also where the value is a variable's."""
    cases: list[dict[str, Any]] = [{"headers": {name: "0"}}, {"headers_env": {name: "CRM_TOKEN"}}]
    for given in cases:
        with pytest.raises(StepInputError, match="header"):
            toolbox.http.request(method="POST", url="http://127.0.0.1/", body="abcdef", **given)  # type: ignore[unused-coroutine]
