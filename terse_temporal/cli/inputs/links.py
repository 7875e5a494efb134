"""The link to the page of a question, for whoever looks at it from the command line."""

from __future__ import annotations

import os

from ...client import environment_settings
from ...gateway.addresses import local_key
from ...inputs.links import GATEWAY_KEY, GATEWAY_URL, question_link
from ...inputs.questions import InputQuestion
from ..dev_server_file import running_dev_server

__all__ = ["link_of"]


def link_of(question: InputQuestion, address: str | None) -> str | None:
    """Return the link, of this environment's gateway or of the `dev` that runs here; `None` where there is neither.

    Args:
        question: of a server.
        address: of it, as it was given on the command line.
    """
    if (link := question_link(question)) is not None:
        return link
    if address is not None or environment_settings() or (found := running_dev_server()) is None:
        return None
    dev, directory = found
    if not dev.gateway_port:
        return None
    here = {name: value for name in (GATEWAY_KEY, GATEWAY_URL) if (value := os.environ.get(name))}
    try:
        key = here.get(GATEWAY_KEY) or local_key(directory)
    except OSError:
        return None
    environ = {GATEWAY_KEY: key, GATEWAY_URL: f"http://127.0.0.1:{dev.gateway_port}", **here}
    return question_link(question, environ=environ)
