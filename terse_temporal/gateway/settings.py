"""The settings of a gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from ..runs.starting import DEFAULT_TASK_QUEUE

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "DEFAULT_SPOOL", "KIB", "MIB", "GatewaySettings", "Limits"]

KIB: Final = 1024
MIB: Final = 1024 * KIB

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8088

#: Beside the state of the server of `terse-temporal dev`.
DEFAULT_SPOOL: Final = Path(".terse") / "spool"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of what others send a gateway takes.

    Attributes:
        body: bytes of a request's body.
        answer: the same of an answer to a question. As a browser sends it a byte may take three.
        github_body: the same at the address for GitHub, which sends up to 25 MB.
        body_seconds: how long a body may take to arrive, all of it. GitHub waits ten seconds for its answer, the others
            less.
        header_seconds: how long a connection may take to send the headers of a request, and may stay open with none.
        header_bytes: of the headers of a request together.
        requests: how many are answered at once. One more is refused with 503.
        address_requests: how many of them may be of one address, so that slow bodies from there leave room for others.
        question_requests: how many of them may be about questions to people. These wait for Temporal and for workers,
            and leave room for deliveries, which do not.
        connections: how many are open at once. For one more the oldest without a request is closed; where there is
            none it is refused with 503.
        memory: bytes of all bodies that are held at once, of which one more is refused with 503.
        rate: requests a second from one source address, with as many again in a burst. One more is refused with 429,
            also if it is a true delivery, which GitHub does not repeat: so it is above what any vendor sends.
        drain_seconds: how long a gateway that is ended goes on with handing deliveries to Temporal. What is left stays
            in the spool.
    """

    body: int = MIB
    answer: int = 3 * 64 * KIB
    github_body: int = 25 * MIB
    body_seconds: float = 10.0
    header_seconds: float = 10.0
    header_bytes: int = 32 * KIB
    requests: int = 200
    address_requests: int = 100
    question_requests: int = 100
    connections: int = 500
    memory: int = 128 * MIB
    rate: float = 1000.0
    drain_seconds: float = 5.0


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """What a gateway is made with.

    Attributes:
        spool: the directory of the deliveries that were taken in; one gateway at a time.
        spool_bytes: bytes of the spool. When it is full deliveries are refused with 503.
        keep: how long deliveries that were handed on are kept, to look at them, and for runs that begin to wait.
        task_queue: of the workers that have the jobs.
        root_path: the path under which a proxy has the gateway, such as `/hooks`; empty at the root.
        limits: how much of what others send is taken.
        checks_retention: whether to warn of a namespace that forgets runs too early.
    """

    spool: Path = DEFAULT_SPOOL
    spool_bytes: int = 1024 * MIB
    keep: timedelta = timedelta(days=1)
    task_queue: str = DEFAULT_TASK_QUEUE
    root_path: str = ""
    limits: Limits = field(default_factory=Limits)
    checks_retention: bool = True

    def __post_init__(self) -> None:
        """Let a path begin with a slash and end without one, however it is given."""
        path = self.root_path.strip("/")
        object.__setattr__(self, "root_path", f"/{path}" if path else "")
