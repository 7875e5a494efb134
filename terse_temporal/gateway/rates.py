"""Requests a second from each address: a token bucket for each, of a bounded number of addresses."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

__all__ = ["AddressRates", "network_of"]

#: Addresses that are remembered. The one that has been silent for longest is forgotten first, which gives it nothing
#: that its silence would not have given it.
_MOST: Final = 10_000

#: Characters of an address.
_LONGEST: Final = 64


class AddressRates:
    """Counts the requests of each address.

    Args:
        rate: requests a second in the long run.
        burst: as many at once after a pause; by default as many as the rate.
        most: how many addresses are remembered.
        clock: seconds, which only grow.
    """

    def __init__(
        self,
        rate: float,
        *,
        burst: float | None = None,
        most: int = _MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._burst = max(1.0, rate if burst is None else burst)
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and as of when

    def wait_for(self, address: str, *, counts: bool = True) -> int:
        """Count a request: return 0 if it may pass, else after how many whole seconds the next one may.

        Args:
            address: of the sender.
            counts: whether to count it; else only the answer is wanted.
        """
        now = self._clock()
        network = network_of(address)
        tokens, since = self._buckets.get(network, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        passes = tokens >= 1.0
        if not counts:
            return 0 if passes else self._seconds(tokens)
        self._buckets[network] = (tokens - 1.0 if passes else tokens, now)
        self._buckets.move_to_end(network)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return 0 if passes else self._seconds(tokens)

    def _seconds(self, tokens: float) -> int:
        return max(1, math.ceil((1.0 - tokens) / self._rate))

    def __len__(self) -> int:
        return len(self._buckets)


def network_of(address: str) -> str:
    """Return what one sender has: an IPv4 address, or the 64 bits of an IPv6 address that are given to a customer.

    A proxy that is believed may pass on anything for an address, of which a part is kept.
    """
    address = address[:_LONGEST]
    if ":" not in address:
        return address
    try:
        packed = ipaddress.IPv6Address(address).packed
    except ValueError:
        return address
    mapped = ipaddress.IPv6Address(packed).ipv4_mapped
    return str(mapped) if mapped is not None else packed[:8].hex()
