"""The toolbox `http`."""

from .models import HttpResponse
from .tool import request

__all__ = ["HttpResponse", "request"]
