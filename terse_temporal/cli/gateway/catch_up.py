"""`terse-temporal gateway catch-up`: what a vendor could not deliver, and does not deliver again by itself."""

from __future__ import annotations

import os
import re
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from ...gateway.extra import require_extra
from ...runs.times import moment_text
from ..exiting import FAILED, CommandError
from ..options import Debug
from ..output import console, errors, print_json
from ..tasks import run_interruptibly
from ..times import read_since

if TYPE_CHECKING:
    from ...gateway.catching_up import FailedDelivery

__all__ = ["catch_up"]

_ORG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_REPO: Final = re.compile(_ORG.pattern + r"/(?!\.+$)[A-Za-z0-9_.-]+")

#: GitHub delivers nothing again that is older.
_KEPT: Final = timedelta(days=3)

#: Why the other vendors need none.
_OTHERS: Final = {
    "stripe": "Stripe delivers again by itself, for three days",
    "slack": "Slack delivers again by itself, for five minutes, and cannot be asked to",
    "linear": "Linear delivers again by itself, for six hours, and cannot be asked to",
}


def catch_up(
    vendor: Annotated[str, typer.Argument(metavar="github", help="Whose deliveries: `github`.")],
    *,
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION|TIME", help='How far back: "2h", or a time. At most three days.')
    ],
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="OWNER/NAME", help="The webhook of this repository.")
    ] = None,
    org: Annotated[str | None, typer.Option("--org", metavar="NAME", help="That of this organization.")] = None,
    app: Annotated[
        bool, typer.Option("--app", help="That of a GitHub App; GITHUB_TOKEN is then a JWT of the app.")
    ] = False,
    hook: Annotated[
        int | None,
        typer.Option("--hook", metavar="ID", help="Its number, where several lead to gateways.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List them, and ask for nothing.")] = False,
    api_url: Annotated[
        str | None,
        typer.Option("--api-url", metavar="URL", help="Instead of GITHUB_API_URL, or https://api.github.com."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
    debug: Debug = False,
) -> int:
    """Have the deliveries that failed delivered again.

    GitHub tries a delivery once. This command reads GitHub's list of deliveries, finds those of which no attempt was
    answered with 2xx, and asks GitHub to deliver each again. It may be run at any time, and twice: the gateway starts
    nothing for a delivery that it has taken in before.

    The token is read from GITHUB_TOKEN: a fine-grained one with the permission "Webhooks: read and write", or a classic
    one with admin:repo_hook (admin:org_hook for an organization). For a GitHub App it is a JWT, which you have signed
    with the app's key.

    The exit status is 0 when GitHub takes all requests, or there is nothing to ask for; 1 when it does not take some; 2
    when the webhook or the token has to be put right first.
    """
    if vendor != "github":
        why = _OTHERS.get(vendor)
        raise CommandError(f"{why}: there is nothing to catch up with" if why else f"{vendor!r} is not github")
    require_extra("gateway catch-up")
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable() and token):
        raise CommandError("set GITHUB_TOKEN to a token of GitHub that may read and write webhooks")
    earliest = read_since(since)
    if datetime.now(UTC) - earliest > _KEPT:
        errors.print("GitHub keeps deliveries for three days: older ones are lost to it", style="yellow")
    url = api_url or os.environ.get("GITHUB_API_URL")
    return run_interruptibly(_catch_up(_owner(repo, org, app, hook), hook, earliest, url, token, dry_run, as_json))


def _owner(repo: str | None, org: str | None, app: bool, hook: int | None) -> str | None:
    """Return whose webhook it is, as it stands in the paths of the API; `None` for that of an app."""
    if (repo is not None) + (org is not None) + app != 1:
        raise CommandError("say whose webhook it is by one of --repo owner/name, --org NAME and --app")
    if app:
        if hook is not None:
            raise CommandError("an app has one webhook: leave --hook out")
        return None
    if repo is not None:
        if not _REPO.fullmatch(repo):
            raise CommandError(f'--repo {repo!r} is not "owner/name"')
        return f"repos/{repo}"
    if not _ORG.fullmatch(str(org)):
        raise CommandError(f"--org {org!r} is not the name of an organization")
    return f"orgs/{org}"


async def _catch_up(
    owner: str | None,
    number: int | None,
    since: datetime,
    url: str | None,
    token: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    from ...gateway.catching_up import GitHubHook, ask_again, failed_deliveries, find_hook  # noqa: PLC0415  an extra
    from ...gateway.github_api import GITHUB_API, GitHubApi  # noqa: PLC0415  likewise

    async with GitHubApi.connect(url or GITHUB_API, token, _print_wait) as api:
        hook = GitHubHook("/app/hook") if owner is None else await find_hook(api, owner, number)
        failed = await failed_deliveries(api, hook, since)
        if failed and not dry_run:
            busy = console.status(f"asking GitHub for {len(failed)} deliveries") if console.is_terminal else None
            with busy or nullcontext():
                await ask_again(api, hook, failed)
    if as_json:
        print_json([_to_json(each) for each in failed])
    elif not failed:
        console.print("nothing has failed in that time, or it was delivered since")
    else:
        _print_table(failed, dry_run)
    return FAILED if any(each.problem for each in failed) else 0


def _print_wait(seconds: float) -> None:
    errors.print(f"GitHub's limit of rate is reached: waiting {seconds:.0f} s", style="yellow")


def _to_json(each: FailedDelivery) -> dict[str, Any]:
    return {
        "id": each.guid,
        "attempt": each.attempt,
        "kind": each.kind,
        "delivered_at": each.delivered_at.isoformat(),
        "answer": each.answer,
        "attempts": each.attempts,
        "asked": each.asked,
        "problem": each.problem,
    }


def _print_table(failed: list[FailedDelivery], dry_run: bool) -> None:
    now = datetime.now(UTC)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("delivery", "event", "tried last", "answered", "delivered again"):
        table.add_column(heading, overflow="fold")
    for each in failed:
        outcome = each.problem or ("asked for" if each.asked else "not asked for (--dry-run)")
        tried = f"{moment_text(each.delivered_at, now)}{f' ({each.attempts} times)' if each.attempts > 1 else ''}"
        style = "red" if each.problem else "green" if each.asked else "dim"
        table.add_row(Text(each.guid), Text(each.kind), tried, Text(each.answer), Text(outcome, style))
    console.print(table)
    asked = sum(each.asked for each in failed)
    if dry_run:
        console.print(f"\n{len(failed)} would be asked for")
    else:
        console.print(f"\n{asked} of {len(failed)} asked for; `terse-temporal gateway deliveries` shows them come in")
