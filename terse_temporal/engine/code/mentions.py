"""What the code of a module mentions: the functions that it hands to steps, the tools it uses, the modules it imports.

A worker decides by its own code what it may be asked for. It is read from the code objects, which are there when the
source is not, and are what runs.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final
from weakref import WeakKeyDictionary

from ...agents import Skills, TerseAgent, generate_text
from ...execution.input_requests import ASKING
from ...inputs import wait_for_input
from ...serialization.keys import fold
from ...tools import toolbox
from ...tools.registry import BUILT_IN
from ..type_tests import is_a
from .bytecode import instructions
from .fingerprints import nested_code

__all__ = ["MODEL", "Mentions", "code_of", "mentions_of"]

#: What stands for model turns among the tools that a code base uses.
MODEL: Final = "generate_text"

_BY_NAME: Final = {
    "toolbox": toolbox,
    "Skills": Skills,
    "generate_text": generate_text,
    "TerseAgent": TerseAgent,
    ASKING: wait_for_input,
}
_LOADS: Final = frozenset(
    f"LOAD_{what}" for what in ("GLOBAL", "NAME", "FAST", "DEREF", "CLASSDEREF", "FAST_CHECK", "FROM_DICT_OR_GLOBALS")
)


@dataclass
class Mentions:
    """What is mentioned by a module.

    Attributes:
        handed: objects that its functions hand to a step, or to an update of the state, by name.
        named: objects that it names in any way, such as `stripe.Invoice`.
        tools: the built-in toolboxes that it uses, `"generate_text"` for models, `"wait_for_input"` for the ways to ask
            people, `"*"` for all tools.
        imports: the names of modules that it imports, at the top or in a function.
        imports_at_top: those of them that it imports at the top.
        words: its text constants.
    """

    handed: list[Any] = field(default_factory=list)
    named: list[Any] = field(default_factory=list)
    tools: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    imports_at_top: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)


_DOTTED: Final = re.compile(r"[^\W\d]\w*(?:\.\w+)+")
_LONGEST_ANNOTATION: Final = 300


_read: WeakKeyDictionary[ModuleType, tuple[Any, CodeType | None, Mentions]] = WeakKeyDictionary()


def mentions_of(module: ModuleType, code: CodeType | None = None) -> Mentions:
    """Return what a module mentions.

    Args:
        module: one that is loaded.
        code: of its top level, where that is at hand; else its loader is asked for it, if it was not read before.
    """
    before = _read.get(module)
    if before is not None and before[0] is module.__spec__ and code in (None, before[1]):
        return before[2]
    found = Mentions()
    namespace = vars(module)
    top = code or code_of(module)
    codes = [top] if top is not None else [each.__code__ for each in _functions(namespace)]
    for each in codes:
        for nested in (each, *nested_code(each)):
            _read_code(nested, namespace, found, at_top=nested is top)
    found.handed += _in_containers(namespace.values())
    if top is None:
        # Of a loader that hands out no code. Its imports are known by what came of them.
        values = [each for each in namespace.values() if is_a(each, ModuleType | FunctionType | type)]
        found.imports |= {str(each.__name__ if isinstance(each, ModuleType) else each.__module__) for each in values}
        found.imports_at_top |= found.imports
    _read[module] = (module.__spec__, code, found)
    return found


def code_of(module: ModuleType) -> CodeType | None:
    """Return the code of the top level of a module, where its loader hands it out."""
    before = _codes.get(module)
    if before is not None and before[0] is module.__spec__:
        return before[1]
    code = _code_from_loader(module)
    _codes[module] = (module.__spec__, code)
    return code


#: What loaders have handed out. They compile the file where there is no bytecode, and each job's hash asks for all of
#: the modules that the job uses.
_codes: WeakKeyDictionary[ModuleType, tuple[Any, CodeType | None]] = WeakKeyDictionary()


def _code_from_loader(module: ModuleType) -> CodeType | None:
    get_code = getattr(module.__spec__ and module.__spec__.loader, "get_code", None)
    try:
        code = get_code(module.__spec__.name) if get_code and module.__spec__ else None
    except (ImportError, OSError, SyntaxError):
        return None
    return code if isinstance(code, CodeType) else None


def _functions(namespace: Mapping[str, Any]) -> Iterator[FunctionType]:
    for value in list(namespace.values()):
        members = vars(value).values() if is_a(value, type) else (value,)
        for each in members:
            function = inspect.unwrap(each.__func__ if isinstance(each, staticmethod | classmethod) else each)
            if isinstance(function, FunctionType) and function.__globals__ is namespace:
                yield function


def _in_containers(values: Iterable[Any], depth: int = 3) -> Iterator[Any]:
    """Yield what lists, tuples and dicts at the top level of a module hold."""
    for value in list(values):
        if is_a(value, list | tuple | set | frozenset | dict) and depth:
            held = list(value.values()) if isinstance(value, dict) else list(value)
            yield from (each for each in held if callable(each))
            yield from _in_containers(held, depth - 1)


def _read_code(code: CodeType, namespace: Mapping[str, Any], found: Mentions, *, at_top: bool) -> None:
    hands = bool(code.co_flags & inspect.CO_OPTIMIZED) and any(map(_makes_steps, (code, *nested_code(code))))
    words = set(_words(code.co_consts))
    found.words |= words
    # `-> list[stripe.Invoice]` under `from __future__ import annotations` is a string.
    for word in words:
        for dotted in _DOTTED.findall(word[:_LONGEST_ANNOTATION]):
            if isinstance(value := _value(dotted.split("."), namespace), type):
                found.named.append(value)
    for chain in _chains(code):
        if chain.imports:
            imports = _imported(chain.names[0], chain.constants, namespace)
            found.imports |= imports
            found.imports_at_top |= imports if at_top else set()
            continue
        found.tools.update(_tools(chain, namespace, words))
        value = _value(chain.names, namespace) if chain.is_global else None
        if value is not None and callable(value):
            found.named.append(value)
            if hands and not chain.called:
                found.handed.append(value)


def _chains(code: CodeType) -> list[_Chain]:
    chains: list[_Chain] = []
    constants: list[Any] = []
    for operation, value, argument in instructions(code):
        if operation in ("LOAD_ATTR", "LOAD_METHOD") and chains and chains[-1].is_open:
            chains[-1].names.append(value)
            chains[-1].called = _is_called(operation, argument)
            continue
        if chains:
            chains[-1].is_open = False
        if operation in ("LOAD_CONST", "LOAD_SMALL_INT"):
            constants = [*constants[-1:], value]
        elif operation == "IMPORT_NAME":
            chains.append(_Chain([value], False, False, is_open=False, imports=True, constants=constants))
        elif operation in _LOADS or "LOAD_FAST" in operation:
            is_called = _is_called(operation, argument)
            chains.append(_Chain([value], operation in ("LOAD_GLOBAL", "LOAD_NAME"), is_called))
    return chains


@dataclass
class _Chain:
    """A name that is loaded, and the attributes behind it: `stripe.Invoice`. Or a module that is imported.

    Attributes:
        names: of it.
        is_global: it begins with a name of the module.
        called: what it leads to is only called.
        is_open: the next instruction may go on with it.
        imports: it is an import, with the level and the names of it as `constants`.
    """

    names: list[str]
    is_global: bool
    called: bool
    is_open: bool = True
    imports: bool = False
    constants: list[Any] = field(default_factory=list)


def _is_called(operation: str, argument: int) -> bool:
    """Return whether what is loaded is called next, with nothing else done to it."""
    if operation == "LOAD_METHOD":
        return True
    # The lowest bit of the argument says so; of attributes from Python 3.12 on, which has no LOAD_METHOD.
    says_so = operation == "LOAD_GLOBAL" or (operation == "LOAD_ATTR" and sys.version_info >= (3, 12))
    return says_so and bool(argument & 1)


def _makes_steps(code: CodeType) -> bool:
    """Return whether it has a call with `run=`, or of something called `update`."""
    return "update" in code.co_names or any(
        const == "run" or (isinstance(const, tuple) and "run" in const)
        for const in code.co_consts
        if isinstance(const, str | tuple)
    )


def _words(constants: Iterable[Any]) -> Iterator[str]:
    for each in constants:
        if isinstance(each, str):
            yield each
        elif isinstance(each, tuple | frozenset):
            yield from _words(each)


def _imported(name: str, consts: list[Any], namespace: Mapping[str, Any]) -> set[str]:
    level, names = consts if len(consts) == 2 else (0, None)
    try:
        package = namespace.get("__package__") or str(namespace.get("__name__", "")).rpartition(".")[0]
        absolute = importlib.util.resolve_name("." * (level or 0) + name, package)
    except (ImportError, TypeError, ValueError):
        return set()
    return {absolute, *(f"{absolute}.{each}" for each in names or () if each != "*")}


def _value(names: list[str], namespace: Mapping[str, Any]) -> Any:
    value = namespace.get(names[0])
    for name in names[1:]:
        if not isinstance(value, ModuleType):
            return None
        value = vars(value).get(name)
    return value


def _tools(chain: _Chain, namespace: Mapping[str, Any], words: set[str]) -> Iterator[str]:
    for position, name in enumerate(chain.names):
        known = _BY_NAME.get(name)
        if known is None and position == 0 and chain.is_global:
            value = namespace.get(name)
            known = next((each for each in _BY_NAME.values() if each is value), None)
        if known is wait_for_input:
            yield ASKING
        elif known in (generate_text, TerseAgent):
            yield MODEL
            yield ASKING  # whether a tool may be called
            # `skills=["http", "slack.send_message"]`
            yield from (each for each in map(_toolbox, words) if each and "skills" in words)
        elif known in (toolbox, Skills) and position + 1 < len(chain.names):
            following = chain.names[position + 1]
            if following == "all" and known is Skills:
                yield "*"
            elif (following, known) in (("call", toolbox), ("tool", Skills)):
                yield from (each for each in map(_toolbox, words) if each)
            elif (box := _toolbox(following)) is not None:
                yield box


def _toolbox(name: str) -> str | None:
    """Return the built-in toolbox that the name of one, or of a tool, means."""
    folded = fold(name.partition(".")[0])
    return folded if folded in BUILT_IN else None
