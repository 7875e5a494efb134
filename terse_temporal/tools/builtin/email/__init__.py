"""The toolbox `email`."""

from .tool import Attachment, EmailReceipt

__all__ = ["Attachment", "EmailReceipt"]
