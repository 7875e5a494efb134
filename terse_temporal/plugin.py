"""`TersePlugin`: jobs on a worker, client or replayer that you build yourself."""

from .engine.plugin import TersePlugin

__all__ = ["TersePlugin"]
