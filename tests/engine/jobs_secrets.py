"""A job whose step fails with a secret in every place that a failure has."""

from __future__ import annotations

import base64
import os

from terse_temporal import Event, create_job, job_step, log


class ShopError(Exception):
    """Holds what it was told."""

    def __init__(self, message: str, sent: dict[str, object]) -> None:
        super().__init__(message, sent)
        self.sent = sent


def connects() -> None:
    url = os.environ["SHOP_DATABASE"]
    password = url.split(":")[2].partition("@")[0]
    basic = base64.b64encode(f"shop:{password}".encode()).decode()
    try:
        try:
            raise OSError(f"cannot connect to {url}")
        except OSError as err:
            raise ConnectionError(f"sent Basic {basic}") from err
    except ConnectionError as err:
        err.add_note(f"with {password}")
        raise ShopError(f"no {password}", {password: [f"Basic {basic}", {"url": url}]}) from err


@create_job(name="secrets-leaks", durable=True)
async def leaks(event: Event) -> None:
    log(f"with {event.password}")
    await job_step(run=connects)
