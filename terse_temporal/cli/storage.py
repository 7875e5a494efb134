"""`terse-temporal storage`: what is stored outside of histories, and forgetting it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import humanfriendly
import typer

from ..diagnostics.redaction import redact
from ..errors import StorageError, StorageUnavailableError
from ..storage.opening import open_place
from ..storage.places.place import Place, StoredEntry
from ..storage.settings import settings_from_environment
from .exiting import CommandError
from .options import Debug
from .output import console, print_json
from .times import read_duration

__all__ = ["app"]

app = typer.Typer(name="storage", no_args_is_help=True, add_completion=False, rich_markup_mode="markdown")


@app.callback()
def _storage() -> None:
    """Look at what is stored outside of histories, where TERSE_STORAGE says, and delete what is old."""


@app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of all, for programs.")] = False,
    debug: Debug = False,
) -> None:
    """Say how much is stored, and since when.

    With `--json` each thing: its hash, its size, and when it was stored last.
    """
    place = _place()
    found = list(_entries(place))
    if as_json:
        print_json([_row(each) for each in found])
        return
    console.print(f"{place.name}: {_sum(found)}", markup=False, highlight=False, soft_wrap=True)
    if found:
        first, last = (pick(each.stored_at for each in found) for pick in (min, max))
        console.print(f"stored between {first:%Y-%m-%d %H:%M} and {last:%Y-%m-%d %H:%M} UTC", highlight=False)


@app.command("prune")
def prune_command(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="DURATION", help='What nobody has stored for so long, such as "90d".')
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")] = False,
    debug: Debug = False,
) -> None:
    """Delete what nobody has stored for a time.

    It does not know what histories refer to: the time has to be longer than the longest run and the retention of the
    namespace together. A run whose data are gone waits until they are back.
    """
    before = datetime.now(UTC) - read_duration(older_than, "--older-than")
    place = _place()
    found = [each for each in _entries(place) if each.stored_at < before]
    if not dry_run:
        for each in found:
            _delete(place, each.key)
    what = "would be deleted" if dry_run else "deleted"
    console.print(f"{place.name}: {_sum(found)} {what}", markup=False, highlight=False, soft_wrap=True)


def _place() -> Place:
    settings = settings_from_environment()
    if settings is None:
        raise CommandError("no storage is set: TERSE_STORAGE says where it is, as it does for workers")
    return open_place(settings.url)


def _entries(place: Place) -> Iterator[StoredEntry]:
    try:
        yield from place.entries()
    except StorageError:
        raise
    except Exception as error:
        raise StorageUnavailableError(
            f"cannot list the storage {place.name}: {redact(f'{type(error).__name__}: {error}', 500)}", place.name
        ) from error


def _delete(place: Place, key: str) -> None:
    try:
        place.delete(key)
    except Exception as error:
        raise StorageUnavailableError(
            f"cannot delete {key} in the storage {place.name}: {redact(f'{type(error).__name__}: {error}', 500)}",
            place.name,
            key,
        ) from error


def _row(entry: StoredEntry) -> dict[str, str | int]:
    return {"sha256": entry.key, "size": entry.size, "stored_at": entry.stored_at.isoformat()}


def _sum(found: list[StoredEntry]) -> str:
    size = humanfriendly.format_size(sum(each.size for each in found), binary=True)
    return f"{len(found):,} {'thing' if len(found) == 1 else 'things'}, {size}"
