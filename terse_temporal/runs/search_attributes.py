"""The search attribute that runs are found by their tags with: whether a namespace has it, and creating it."""

from __future__ import annotations

import asyncio
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from ..errors import SetupError, StartError
from ..serialization.wire_names import TAGS_ATTRIBUTE
from .requests import request_error

__all__ = ["TAGS", "create_tags_attribute", "refusal"]

#: The search attribute with the tags of a run.
TAGS: Final = SearchAttributeKey.for_keyword_list(TAGS_ATTRIBUTE)

_TYPE: Final = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST

#: Seconds in which the server is to list what it has created.
_KNOWN_WITHIN: Final = 90.0

_IN_CLOUD: Final = f'tcld namespace search-attributes add --search-attribute "{TAGS_ATTRIBUTE}=KeywordList"'
_BY_HAND: Final = f"temporal operator search-attribute create --name {TAGS_ATTRIBUTE} --type KeywordList"


def refusal(error: RPCError, what: str, client: Client) -> Exception:
    """Return what is said where the server refuses a request that may have tags in it; `what` cannot be done."""
    if TAGS_ATTRIBUTE in error.message:
        return SetupError(
            f"{what} with tags: the namespace {client.namespace!r} has no search attribute {TAGS_ATTRIBUTE!r}"
            f" ({error.message}). Create it once with `terse-temporal setup`, or leave the tags out."
        )
    return StartError(f"{what}: the server refuses it ({error.message})")


async def create_tags_attribute(client: Client) -> bool:
    """Create the search attribute in the client's namespace, and return whether it was not there before.

    Raises:
        SetupError: the server does not let this client, or there is one of that name and of another type.
        ServerUnavailableError: the server does not answer.
    """
    if await _is_there(client):
        return False
    request = AddSearchAttributesRequest(search_attributes={TAGS_ATTRIBUTE: _TYPE}, namespace=client.namespace)
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        if error.status != RPCStatusCode.ALREADY_EXISTS:  # somebody else was quicker
            raise _refusal(error, client) from error
    # Where the namespace's own record has it. The server's other processes read that again every few seconds.
    async with asyncio.timeout(_KNOWN_WITHIN):
        while not await _is_there(client):  # noqa: ASYNC110  # nothing tells when it has
            await asyncio.sleep(0.2)
    return True


async def _is_there(client: Client) -> bool:
    request = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        answer = await client.operator_service.list_search_attributes(request)
    except RPCError as error:
        raise _refusal(error, client) from error
    kind = answer.custom_attributes.get(TAGS_ATTRIBUTE)
    if kind is not None and kind != _TYPE:
        name = IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_")
        raise SetupError(
            f"the namespace {client.namespace!r} has a search attribute {TAGS_ATTRIBUTE!r} of the type {name}, and it"
            " has to be a KeywordList. Remove it (`temporal operator search-attribute remove`), or use another one."
        )
    return kind is not None


def _refusal(error: RPCError, client: Client) -> Exception:
    if error.status in (
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.UNIMPLEMENTED,
    ):
        return SetupError(
            f"the server does not let this client create search attributes in the namespace {client.namespace!r}"
            f" ({error.status.name.lower().replace('_', ' ')}: {error.message}). Somebody who may has to: `{_BY_HAND}`;"
            f" on Temporal Cloud `{_IN_CLOUD}`."
        )
    if error.status == RPCStatusCode.INVALID_ARGUMENT:
        return SetupError(f"the server does not create the search attribute {TAGS_ATTRIBUTE!r}: {error.message}")
    return request_error(error, f"the search attribute {TAGS_ATTRIBUTE!r} cannot be created", client)
