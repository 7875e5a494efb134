"""The file in which deliveries are until Temporal has them."""

from .records import Pending, Put, Target, TargetRow
from .spool import Spool

__all__ = ["Pending", "Put", "Spool", "Target", "TargetRow"]
