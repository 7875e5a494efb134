"""The file in which deliveries are until Temporal has them."""

from .listing import SpoolFile
from .records import DeliveryRow, Pending, Put, State, Target, TargetRow
from .spool import Spool

__all__ = ["DeliveryRow", "Pending", "Put", "Spool", "SpoolFile", "State", "Target", "TargetRow"]
