"""Testing jobs on the real server, with time that can be skipped."""

from .environment import JobEnvironment

__all__ = ["JobEnvironment"]
