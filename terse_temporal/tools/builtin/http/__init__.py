"""The toolbox `http`."""

from .tool import HttpResponse

__all__ = ["HttpResponse"]
