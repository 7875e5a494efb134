"""The toolbox `email`."""

from .models import Attachment, EmailReceipt
from .tool import send

__all__ = ["Attachment", "EmailReceipt", "send"]
