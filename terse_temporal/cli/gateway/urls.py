"""`terse-temporal gateway urls`: what to enter at each vendor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.table import Table
from rich.text import Text

from ...gateway.endpoints import Endpoint, endpoints, missing_secrets
from ...gateway.secrets import GATEWAY_KEY, GatewaySecrets
from ...gateway.settings import DEFAULT_HOST, DEFAULT_PORT
from ...jobs.loading import load_jobs
from ...triggers import WebhookTrigger
from ..exiting import USAGE_ERROR, CommandError
from ..options import Debug, Targets
from ..output import console, errors, print_error, print_json

__all__ = ["endpoint_table", "urls"]


def urls(
    targets: Targets,
    base_url: Annotated[
        str,
        typer.Option("--base-url", metavar="URL", help="Where vendors reach the gateway: https://hooks.acme.example."),
    ] = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
    debug: Debug = False,
) -> int:
    """Print the addresses of the triggers: what to enter at each vendor.

    The modules are imported, as a worker does it; no server and no gateway is needed. The addresses of single jobs are
    made with TERSE_GATEWAY_KEY: they stay the same while it does, and whoever sees one may send to it, so take care
    where you print them. Whether a secret is set is said of the environment in which this command runs.

    The exit status is 2 where an address cannot be printed because that key is not set.
    """
    _check_base_url(base_url)
    jobs = load_jobs(targets)
    webhooks = [each for job in jobs for each in job.triggers if isinstance(each, WebhookTrigger)]
    found = endpoints(jobs, GatewaySecrets.read(triggers=webhooks), base_url)
    if as_json:
        print_json([asdict(each) for each in found])
    elif found:
        console.print(endpoint_table(found))
    else:
        errors.print("no job here has a trigger that a webhook fires: `terse-temporal jobs` shows what starts them")
    problem = missing_secrets(found).get(GATEWAY_KEY)
    if problem is None:
        return 0
    print_error(problem)
    return USAGE_ERROR


def endpoint_table(found: Iterable[Endpoint]) -> Table:
    """Return a table of addresses, what they are for, and which secrets are set."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("job", "trigger", "address", "secret"):
        table.add_column(column, overflow="fold")
    for each in found:
        # Text, because in a plain string rich would read "[…]" as a style.
        table.add_row(Text(each.job), Text(each.trigger), Text(each.url or "-"), _secret(each))
    return table


def _secret(endpoint: Endpoint) -> Text:
    if endpoint.secret is None:
        return Text("none: the address is it")
    return Text(f"{endpoint.secret} is {'NOT set' if endpoint.secret in endpoint.missing else 'set'}")


def _check_base_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        fits = fits and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits:
        raise CommandError(
            f"--base-url {url!r} is no address: write it as https://hooks.acme.example, a path may follow"
        )
