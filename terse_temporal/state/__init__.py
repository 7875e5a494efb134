"""What a job keeps between its runs: the second argument of a handler, and where it is stored."""

from .handle import State, current_state
from .opening import open_store
from .store import StateId, StateStore, Stored

__all__ = ["State", "StateId", "StateStore", "Stored", "current_state", "open_store"]
