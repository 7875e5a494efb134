"""The gateway: takes webhooks in, and starts the runs of jobs that they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import build_app
    from .settings import Limits

__all__ = ["Limits", "build_app"]


def __getattr__(name: str) -> Any:
    # Only now: who looks at a spool, or signs a request, needs neither the app nor the extra that it is made of.
    if name == "build_app":
        from .extra import require_extra  # noqa: PLC0415

        require_extra()
        from .app import build_app  # noqa: PLC0415

        return build_app
    if name == "Limits":
        from .settings import Limits  # noqa: PLC0415

        return Limits
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
