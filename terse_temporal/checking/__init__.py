"""What `terse-temporal check` finds: reading code, before it is deployed, for what will hurt."""

from .checker import Report, check
from .codes import CODES, Code, Severity
from .findings import Finding

__all__ = ["CODES", "Code", "Finding", "Report", "Severity", "check"]
