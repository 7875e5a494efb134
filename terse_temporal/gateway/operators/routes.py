"""The addresses that operators have."""

from __future__ import annotations

from fastapi import FastAPI

from ..gateway import Gateway
from .api import add_api_routes
from .guard import Guard
from .list_page import add_list_page

__all__ = ["add_operator_routes"]


def add_operator_routes(app: FastAPI, gateway: Gateway) -> None:
    """Add the list of questions and the API to an app: before the pages of questions, whose addresses are below these.

    Args:
        app: that of the gateway.
        gateway: whose operators, and whose client.
    """
    guard = Guard(gateway.operators)
    add_api_routes(app, gateway, guard)
    add_list_page(app, gateway, guard)
