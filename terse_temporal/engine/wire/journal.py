"""The journal that a run carries when it continues as new by itself: what came to its handler, and what that did.

It is a list of entries, one for each time that the handler was advanced, in plain JSON:

    {"t": nanoseconds, "f": [flags of the SDK], "j": [what came, see `entries.py`], "c": [what the handler did]}

`c` has a list for each command: its kind, its number within the kind, its name, and what it says of itself to people
(`["step", 3, "charge", "of order 7"]`). Entries are written as lines, some hundred of which are compressed together as
a block; blocks stand one after the other in a page, and a page that is full is never changed again, so that what stores
it by its content stores it once. A payload that is large stands beside the pages, by its number.

The inputs of a continued run are: the event, as ever; the manifest (`Manifest`); the pages; the large payloads. They
are anybody's, so what is read is bounded and checked.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from temporalio.api.common.v1 import Payload

from ...errors import JournalError
from ...serialization.wire_names import JOURNAL

__all__ = [
    "Block",
    "Journal",
    "Manifest",
    "is_manifest",
    "pack_block",
    "payload_to_wire",
    "read_entries",
    "read_journal",
    "wire_to_payload",
]

#: Raised when the format changes its meaning.
VERSION: Final = 1

#: Bytes from which a payload stands by itself.
LARGE: Final = 64 * 1024

#: Bytes from which a page is full. Over the threshold from which a storage takes payloads.
PAGE: Final = 192 * 1024

#: The most that the block of a journal may hold, in bytes: what a hand-made one says is not believed beyond. An entry
#: has no payload over `LARGE`, and comes with some hundred others.
_LARGEST_BLOCK: Final = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands before the pages of a journal.

    Attributes:
        run: the id that the run began with, before any reset: what its keys are made of.
        started: when it began, in nanoseconds.
        seed: of its random numbers.
        inputs: how many it was started with.
        carried: the second of them, as `payload_to_wire` writes it.
        memo: that it began with, likewise by name.
        pages: how many there are.
        entries, events, size: how many entries, events of histories, and bytes of these, there were so far.
        slice: how many entries are replayed at a time.
        times: how often the run has continued so far.
    """

    run: str
    started: int
    seed: int
    inputs: int = 0
    carried: Any = None
    memo: Mapping[str, Any] = field(default_factory=dict)
    pages: int = 0
    entries: int = 0
    events: int = 0
    size: int = 0
    slice: int = 0
    times: int = 0

    def to_payload(self) -> Payload:
        data = {JOURNAL: {"v": VERSION, **asdict(self)}}
        text = json.dumps(data, separators=(",", ":"))
        return Payload(metadata={"encoding": b"json/plain"}, data=text.encode())


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal as it was carried."""

    manifest: Manifest
    pages: tuple[bytes, ...]
    large: tuple[Payload, ...]


def is_manifest(payload: Payload) -> bool:
    """Return whether an input is the manifest of a journal, without reading all of it."""
    return payload.data[: len(_BEGIN)] == _BEGIN


_BEGIN: Final = f'{{"{JOURNAL}":'.encode()


def read_journal(inputs: Sequence[Payload]) -> Journal | None:
    """Return the journal in the inputs of a run, or `None` where it carries none.

    Args:
        inputs: of the run, decoded by the codec, if there is one.

    Raises:
        JournalError: it is there, and cannot be read.
    """
    if len(inputs) < 2 or not is_manifest(inputs[1]):
        return None
    try:
        wire = json.loads(inputs[1].data)[JOURNAL]
        version = wire.pop("v")
        if version > VERSION:
            raise JournalError(
                f"the journal of the run has version {version}, and this worker reads up to {VERSION}: a newer one"
                " wrote it"
            )
        known = {name: each for name, each in wire.items() if name in Manifest.__dataclass_fields__}
        manifest = Manifest(**known)
        numbers = (manifest.started, manifest.seed, manifest.inputs, manifest.pages, manifest.entries, manifest.slice)
        if not all(isinstance(each, int) and each >= 0 for each in numbers) or len(inputs) < 2 + manifest.pages:
            raise JournalError(f"the journal of the run is not whole: it has {len(inputs) - 2} pages")
    except JournalError:
        raise
    except Exception as err:
        raise JournalError(f"the journal of the run cannot be read: {type(err).__name__}: {err}") from None
    first = 2 + manifest.pages
    return Journal(manifest, tuple(each.data for each in inputs[2:first]), tuple(inputs[first:]))


@dataclass(frozen=True, slots=True)
class Block:
    """Entries that are compressed together."""

    data: bytes
    entries: int


def pack_block(lines: Sequence[str]) -> Block:
    """Compress entries."""
    return Block(zlib.compress("\n".join(lines).encode(), 6), len(lines))


def read_entries(journal: Journal) -> Iterator[dict[str, Any]]:
    """Yield the entries of a journal, in their order.

    Raises:
        JournalError: one cannot be read.
    """
    for page in journal.pages:
        left = page
        while left:
            try:
                reader = zlib.decompressobj()
                text = reader.decompress(left, _LARGEST_BLOCK)
                if not reader.eof:
                    raise JournalError("the journal of the run cannot be read: a block is cut off, or too large")
                left = reader.unused_data
                entries = [json.loads(line) for line in text.split(b"\n")]
            except (zlib.error, ValueError, RecursionError) as err:
                raise JournalError(f"the journal of the run cannot be read: {err}") from None
            yield from entries


def payload_to_wire(payload: Payload) -> dict[str, Any]:
    """Return a payload as JSON: `m`, its metadata, and `d`, its data as text, or `b` in base64."""
    wire: dict[str, Any] = {"m": {name: each.decode("latin-1") for name, each in sorted(payload.metadata.items())}}
    try:
        wire["d"] = payload.data.decode()
    except UnicodeDecodeError:
        wire["b"] = base64.b64encode(payload.data).decode()
    return wire


def wire_to_payload(wire: Mapping[str, Any], large: Sequence[Payload] = ()) -> Payload:
    """Return the payload that was written so.

    Args:
        wire: as `payload_to_wire` writes it, or `{"a": number}` for one that stands beside the pages.
        large: those that do.
    """
    if "a" in wire:
        kept: Payload = large[wire["a"]]
        return kept
    data = base64.b64decode(wire["b"]) if "b" in wire else wire["d"].encode()
    return Payload(metadata={name: each.encode("latin-1") for name, each in wire["m"].items()}, data=data)
