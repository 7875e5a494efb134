"""Classes of exceptions as libraries have them, in a module that tests import."""

from __future__ import annotations

import abc
import dataclasses
import http
from typing import Any

REGISTER: list[type] = []


class Registered(Exception):
    """Keeps a register of what derives from it."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        REGISTER.append(cls)


class NotFound(Registered):
    pass


class RegisteringMeta(type):
    def __init__(cls, *_: Any) -> None:
        REGISTER.append(cls)


class OfMeta(Exception, metaclass=RegisteringMeta):
    pass


class Abstract(Exception, abc.ABC):
    @abc.abstractmethod
    def explain(self) -> str: ...


class Concrete(Abstract):
    def explain(self) -> str:
        return "concrete"


class ByStatus(Exception):
    status: int

    def __init_subclass__(cls, *, status: int) -> None:
        cls.status = status


class Gone(ByStatus, status=410):
    pass


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int


class Slotted(Exception):
    __slots__ = ("code",)

    def __init__(self, code: object) -> None:
        super().__init__(f"code {code!r}")
        self.code = code


class ReadOnly(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.__dict__["code"] = code

    @property
    def code(self) -> int:
        return int(self.__dict__["code"])


class Sealed(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        object.__setattr__(self, "code", code)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(name)


class OwnNew(Exception):
    code: int

    def __new__(cls, code: int, text: str) -> OwnNew:
        made = super().__new__(cls, code, text)
        made.code = code
        return made

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)


class OwnRepr(Exception):
    def __init__(self, response: object) -> None:
        super().__init__("no answer")
        self.response = response

    def __repr__(self) -> str:
        return f"OwnRepr({self.response!r})"


class OwnMessage(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"[{code}] {message}")
        self.message = message


class OfStatus(Exception):
    def __init__(self, status: http.HTTPStatus) -> None:
        super().__init__("refused")
        self.status = status


class OfTwo(NotFound, OSError):
    """Of two that do not derive from each other."""


class OfResponse(Exception):
    """As clients of HTTP have one."""

    def __init__(self, response: object) -> None:
        super().__init__("no answer")
        self.response = response

    @property
    def status(self) -> Any:
        return self.response.status  # type: ignore[attr-defined]  # of a response


class WithDefault(Exception):
    response: object = None

    def __init__(self, response: object) -> None:
        super().__init__("no answer")
        self.response = response


class Delegating(Exception):
    """Asks what it holds for what it has not, as `urllib.error.HTTPError` does."""

    def __init__(self, file: object) -> None:
        super().__init__("no answer")
        self.file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["file"], name)
