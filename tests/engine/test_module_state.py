"""All runs share a module of jobs, unless one could leave something in it for another, or it has a clock in it."""

from __future__ import annotations

import importlib
import pickle
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from terse_temporal.engine.determinism.clock import clock_of_module
from terse_temporal.engine.workflow.sandbox import JobSource
from terse_temporal.errors import JobDefinitionError
from terse_temporal.jobs.registry import _registry, registered_jobs

Make = Callable[..., ModuleType]

_JOB = """
from terse_temporal import create_job, job_step, step, log

{top}

@create_job(name="{name}", durable=True)
async def handler(event):
    {body}
"""

_TIMED = """
import functools, time

def timed(f):
    @functools.wraps(f)
    async def call():
        return [time.time(), await f()]
    return call

@timed
async def g():
    return 1
"""

_AGE = """
from datetime import datetime

class A:
    kinds = {1: 2}

    def age(self):
        return datetime.now(), self.kinds[1]
"""

_FACTORY = """
from datetime import datetime
from pydantic import BaseModel, Field

class M(BaseModel):
    at: datetime = Field(default_factory=datetime.now)
"""

_CACHING = """
import dataclasses

@dataclasses.dataclass(frozen=True)
class C:
    def __post_init__(self):
        object.__setattr__(self, "cache", {})

    def go(self):
        self.cache["a"] = 1
"""

_COUNTING = """
import dataclasses, itertools

@dataclasses.dataclass
class C:
    id: int = dataclasses.field(default_factory=itertools.count().__next__)
"""

_ORDERS = """
import dataclasses

@dataclasses.dataclass
class Order:
    n: int
    kind: str = "a"

    def copy(self):
        self.n += 1
        return type(self)(self.n)

def pay(order, kind=None):
    order.n = 5
    if isinstance(order, kind):
        return order.n
"""

_LYING = """
class Lying:
    def __getattribute__(self, name):
        return tuple if name == "__class__" else None
ONE = Lying()
"""

_CLASSES = """
import dataclasses, enum

class C:
    n = 0

class Other:
    n = 0

class Kind(enum.Enum):
    ONE = 1

@dataclasses.dataclass(frozen=True)
class Limits:
    n: int

LIMITS = Limits(1)

def of(kind):
    return kind

def bump(kind):
    kind.n = 1
"""

_BOX = """
class Box:
    def __init__(self, kind):
        self.kind = kind

    def add(self):
        self.kind.n = 1
"""

_HELPER = """
def bump(c):
    c.n += 1

class Base:
    @classmethod
    def go(cls):
        cls.n = 1
"""

_COUNTED = """
class Kind(enum.Enum):
    ONE = 1

    def seen(self):
        self.count = 1
"""

_RAISED = """
@dataclasses.dataclass(frozen=True)
class Limits:
    n: int

    def raise_it(self):
        object.__setattr__(self, "n", 2)

LIMITS = Limits(1)
"""

#: The top level, the body of the handler.
SHARED = {
    "constants": ('PLANS = {"free": 1}\nNAMES = ["a", "b"]', "return [PLANS[event.plan], *NAMES, *PLANS, len(NAMES)]"),
    "read in a loop": ('PLANS = {"free": 1}', "return [k for k, v in sorted(PLANS.items()) if k in PLANS and v]"),
    "nested, read by one path": ('RATES = {"eu": {"de": 1}}', 'return RATES["eu"]["de"] if "eu" in RATES else 0'),
    "a table of functions": ("def f(): return 1\nKINDS = {'f': f, 'g': lambda: 2}", 'return KINDS["f"]()'),
    "a thread": ("import threading, time\nthreading.Thread(target=time.sleep, args=(0,)).start()", "return 1"),
    "a cache of steps": ("CACHE = {}\ndef work(): CACHE['a'] = 1", "return await job_step(run=work)"),
    "a cache of @step": ("CACHE = {}\n@step\nasync def work(): CACHE['a'] = 1", "return await work()"),
    "a client made by steps": (
        "client = None\ndef get():\n    global client\n    client = 1\ndef work(): get()",
        "return await job_step(run=lambda: work())",
    ),
    "a frozen dataclass": (
        "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass C:\n    n: int\nONE = C(1)",
        "return use(ONE)",
    ),
    "settings": ("import types\nsettings = types.SimpleNamespace(limit=3)", "return settings.limit + 1"),
    "a clock in a function": ("import time\nfrom datetime import datetime", "return [time.time(), datetime.now()]"),
    "a logger": ("import logging\nlogger = logging.getLogger(__name__)", "logger.info('x')"),
    "types of moments": (
        "from datetime import datetime\nMoments = list[tuple[int, datetime]]",
        "return datetime.now()",
    ),
    "a clock by another name": ("import time\nclock = now = time.time", "return clock()"),
    "defaults that nobody can change": (
        "LIMIT = 3\ndef f(x, n=LIMIT * 2, kinds=(1, -2), *, key=len): return x",
        "return f(1)",
    ),
    "an enum": ("import enum\nclass Kind(enum.Enum):\n    ONE = (1, 'one')", "return Kind.ONE.value[0]"),
    "a variable of the context": ("import contextvars\nV = contextvars.ContextVar('v', default=1)", "return V.get()"),
    "a decorator that measures": (_TIMED, "return await g()"),
    "a class that is pinned in its methods": (_AGE, "return A().age()"),
    "objects that are set": (_ORDERS, "order = Order(1); order.n = 2; pay(order, Order); return order.copy()"),
    "classes that are handed on": (
        f"{_ORDERS}\nfrom pydantic import TypeAdapter\nimport typing",
        "adapter = TypeAdapter(Order); x = typing.cast(Order, adapter); x.n = 1; return isinstance(x, (Order, int))",
    ),
    "a table of classes, and objects of one's own": (
        f"{_ORDERS}\nKINDS = {{'a': Order}}",
        "order = KINDS['a'](1); made = Order(2); made.n = 3; return order, (await job_step(run=pay))",
    ),
    "an object that lies about its class": (_LYING, "return 1"),
    "classes, and nothing done with them": (
        _CLASSES + _BOX,
        "box = Box(1); box.kind = 2; return [of(C()), LIMITS.n, Kind.ONE.value, C.n, bump(C())]",
    ),
    "a function of this module by its name": (
        "import sys\ndef f(): return 1",
        "name = 'f'; return getattr(sys.modules[__name__], name)() + sys.modules[__name__].f()",
    ),
}

#: What no copy keeps apart: it is done to the module in `sys.modules`, which all runs have.
REFUSED = {
    "by sys.modules": ("import sys\nn = 0", "sys.modules[__name__].n = 1"),
    "by another name": ("import sys\nn = 0", "me = sys.modules[__name__]; me.n += 1"),
    "by setattr": ("import sys\nn = 0", "setattr(sys.modules[__name__], 'n', 1)"),
    "by vars()": ("import sys\nn = 0", "vars(sys.modules.get(__name__))['n'] = 1"),
    "by an import": ("import importlib\nn = 0", "importlib.import_module(__name__).n = 1"),
    "by an import of itself": ("n = 0", "\n    import {module} as me\n    me.n = 1"),
}

COPIED = {
    "a global that is written": ("n = 0\ndef add():\n    global n\n    n += 1", "add()"),
    "a global that a step writes": ("n = 0\ndef add():\n    global n\n    n += 1", "await job_step(run=add); return n"),
    "a list that is appended to": ("seen = []", "seen.append(1)"),
    "a list that is handed on": ("seen = []", "return helper(seen)"),
    "a dict by another name": ("D = {'a': 1}", "d = D; d['b'] = 2"),
    "an item of an item": ("D = {'a': {}}", "D['a']['b'] = 2"),
    "what a loop gives": ("D = {'a': []}", "\n    for v in D.values(): v.append(1)"),
    "an attribute of a class": ("class C:\n    n = 0", "C.n += 1"),
    "a list of a class": ("class C:\n    seen = []\n    def add(self): self.seen.append(1)", "C().add()"),
    "an attribute of a function": ("def f(): ...\nf.seen = []", "f.seen.append(1)"),
    "a default argument": ("def f(x, seen=[]): seen.append(x)", "f(1)"),
    "a closure": (
        "def make():\n    n = 0\n    def add():\n        nonlocal n\n        n += 1\n    return add\nadd = make()",
        "add()",
    ),
    "an object of a class": ("class C: ...\none = C()", "one.x = 1"),
    "a counter": ("import itertools\nids = itertools.count()", "return next(ids)"),
    "a cached function": ("import functools\n@functools.lru_cache\ndef f(x): return x", "return f(1)"),
    "a lock": ("import asyncio\nlock = asyncio.Lock()", "await lock.acquire()"),
    "a generator": ("import random\nR = random.Random(5)", "return R.random()"),
    "globals()": ("n = 0", "globals()['n'] = 1"),
    "a default factory": (_FACTORY, "return M()"),
    "a moment": ("import time\nSTARTED = time.time()", "return STARTED"),
    "a moment made by a function": ("import time\ndef make(): return time.time()\nSTARTED = make()", "return STARTED"),
    "a list behind its method": ("seen = []\nadd = seen.append", "add(1)"),
    "a counter of a class": (
        "import itertools\nclass C:\n    ids = itertools.count()\n    def __init__(self): self.id = next(self.ids)",
        "return C().id",
    ),
    "counts of a class": ("import collections\nclass C:\n    n = collections.Counter()", "C.n['a'] += 1"),
    "an object of a class in another": (
        "class Book: ...\nclass C:\n    book = Book()\n    def go(self): self.book.n = 1",
        "C().go()",
    ),
    "a counter in a field": (
        _COUNTING,
        "return C().id",
    ),
    "a cached method": ("import functools\nclass C:\n    @functools.lru_cache\n    def f(self): ...", "C().f()"),
    "a list given to a class": (
        "def listed(c):\n    c.all = []\n    return c\n@listed\nclass C:\n    def go(self): self.all.append(1)",
        "C().go()",
    ),
    "a class method by another name": (
        "class C:\n    n = 0\n    @classmethod\n    def go(klass): klass.n += 1",
        "C.go()",
    ),
    "an enum with a list": ("import enum\nclass Kind(enum.Enum):\n    ONE = []", "Kind.ONE.value.append(1)"),
    "a default that has a name": ("seen = []\ndef f(x, seen=seen): seen.append(x)", "f(1)"),
    "the module itself": ("import sys\nn = 0\nme = sys.modules[__name__]", "me.n = 1"),
    "a frozen object with a cache": (
        f"{_CACHING}\nONE = C()",
        "ONE.go()",
    ),
    "a list in the context": ("import contextvars\nV = contextvars.ContextVar('v', default=[])", "V.get().append(1)"),
    "run= of a function of one's own": (
        "seen = []\ndef call(run): run()\ndef add(): seen.append(1)",
        "call(run=add)",
    ),
    "datetime.now by another name": ("from datetime import datetime\nnow = datetime.now", "return now()"),
    "a clock of a class": ("import time\nclass C:\n    now = time.time", "return C.now()"),
    "a module with a clock in a dict": ("import time\nD = {'t': time}", "return D['t'].time()"),
    "datetime as a default": ("from datetime import datetime\ndef f(of=datetime): return of.now()", "return f()"),
    "a clock as a default": ("import time\ndef f(clock=time.time): return clock()", "return f()"),
    "a class derived from datetime": ("from datetime import datetime\nclass M(datetime): ...", "return M.now()"),
    "a class by another name": (_CLASSES, "c = C; c.n = 1"),
    "a class by another name, perhaps": (_CLASSES, "c = (event.kind and C) or Other; c.n = 1"),
    "a class in an assignment expression": (_CLASSES, "(c := C).n = 1"),
    "a class given to a function": (_CLASSES, "bump(C)"),
    "a class given by keyword": (_CLASSES, "bump(kind=C)"),
    "a class given to a function in the handler": (_CLASSES, "\n    def f(c): del c.n\n    f(C)"),
    "a class given to an object": (_CLASSES + _BOX, "Box(C).add()"),
    "a class given to a method": (f"{_CLASSES}\nclass Third:\n    def go(self, kind): kind.n = 1", "Third().go(C)"),
    "a class given to a lambda": (_CLASSES, "(lambda c: setattr(c, 'n', 1))(C)"),
    "a class as a default": (f"{_CLASSES}\ndef f(*, kind=C): kind.n = 1", "f()"),
    "a class in another": (f"{_CLASSES}\nclass Third:\n    kind = C", "Third().kind.n = 1"),
    "a class in a comprehension": (_CLASSES, "[setattr(c, 'n', 1) for c in (C, Other)]"),
    "a class in a variable of the function around": (_CLASSES, "\n    c = C\n    def f(): c.n = 1\n    f()"),
    "an instance that is there once": (
        "class C:\n    def __new__(cls):\n        cls.one = super().__new__(cls)\n        return cls.one",
        "C()",
    ),
    "a class that is returned": (_CLASSES, "c = of(C); c.n = 1"),
    "a class in a table": (f"{_CLASSES}\nKINDS = {{'c': C}}", "KINDS['c'].n = 1"),
    "classes in a loop": (_CLASSES, "\n    for c in (C, Other): c.n = 1"),
    "classes in an assignment": (_CLASSES, "a, b = C, Other; b.n = 1"),
    "the class of an object": (_CLASSES, "type(C()).n = 1"),
    "the class of an object, by another name": (_CLASSES, "c = type(C()); c.n = 1"),
    "the __class__ of an object": (_CLASSES, "C().__class__.n = 1"),
    "a class by setattr": (_CLASSES, "setattr(C, 'n', 1)"),
    "a class by another name by setattr": (_CLASSES, "c = C; setattr(c, 'n', 1)"),
    "a class by type.__setattr__": (_CLASSES, "type.__setattr__(C, 'n', 1)"),
    "a class given to a helper": (f"from helper_of_state import bump as bump_it\n{_CLASSES}", "bump_it(C)"),
    "a function by another name": (_CLASSES, "f = of; f.n = 1"),
    "the dict of a function": (_CLASSES, "of.__dict__['n'] = 1"),
    "the dict of a function by vars()": (_CLASSES, "vars(of)['n'] = 1"),
    "the globals of a function": (_CLASSES, "of.__globals__['n'] = 1"),
    "a member of an enum": (_CLASSES, "Kind.ONE.count = 1"),
    "a method of an enum": (_CLASSES + _COUNTED, "Kind.ONE.seen()"),
    "a frozen dataclass": (_CLASSES, "object.__setattr__(LIMITS, 'n', 2)"),
    "a frozen dataclass by a method": (_CLASSES + _RAISED, "LIMITS.raise_it()"),
    "the dict of a frozen dataclass": (_CLASSES, "LIMITS.__dict__['n'] = 2"),
    "the class of an object, in its method": ("class C:\n    def go(self): type(self).n = 1", "C().go()"),
    "a class, by its metaclass": (
        "class Meta(type):\n    def go(self): self.n = 1\nclass C(metaclass=Meta): ...",
        "C.go()",
    ),
    "a class method of a helper": ("from helper_of_state import Base\nclass C(Base): ...", "C.go()"),
    "a class by a partial setattr": (f"import functools\n{_CLASSES}", "functools.partial(setattr, C, 'n')(1)"),
    "the defaults of a function": ("def f(x=[]): ...", "f.__defaults__[0].append(1)"),
    "an object that lies about its class": (_LYING, "return ONE"),
    "an import in the handler": ("", "\n    from datetime import datetime\n    return datetime.now()"),
}


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Write a module and import it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def write(source: str, name: str = "") -> ModuleType:
        name = name or f"jobs_state_{tmp_path.name}_{len(made)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        made.append(name)
        return importlib.import_module(name)

    yield write
    for name in made:
        sys.modules.pop(name, None)
    for job in registered_jobs():
        if job._home in made:
            del _registry[job.name]  # other tests run all jobs that there are


def source_of(module: ModuleType) -> JobSource:
    return JobSource(next(job for job in registered_jobs() if job._home == module.__name__))


def job_module(parts: tuple[str, str], name: str) -> str:
    return _JOB.format(top=parts[0], body=parts[1], name=f"state-{name}")


@pytest.mark.parametrize("name", SHARED)
def test_shared(name: str, make: Make) -> None:
    """Where runs can leave nothing, all have the process's module."""
    module = make(job_module(SHARED[name], name))
    source = source_of(module)
    source.prepare()
    job, namespace = source.copy(clock_of_module(datetime.now(UTC), ""))
    assert namespace is vars(module)
    assert job is module.handler


@pytest.mark.parametrize("name", COPIED)
def test_copied(name: str, make: Make) -> None:
    """Where one could leave something, each has its own; and the process keeps what it had."""
    if "helper_of_state" in COPIED[name][0]:
        make(_HELPER, "helper_of_state")
    module = make(job_module(COPIED[name], name))
    before = dict(vars(module))
    source = source_of(module)
    source.prepare()
    one, other = (source.copy(clock_of_module(datetime.now(UTC), "")) for _ in range(2))
    assert one[1] is not vars(module)
    assert one[1] is not other[1]
    assert one[0].handler is not other[0].handler
    assert vars(module) == before


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, make: Make) -> None:
    """What a handler puts into its module by way of `sys.modules` is refused when a worker starts, with the line."""
    top, body = REFUSED[name]
    module_name = f"jobs_state_refused_{list(REFUSED).index(name)}"
    module = make(job_module((top, body.format(module=module_name)), f"refused-{name}"), module_name)
    with pytest.raises(
        JobDefinitionError, match=rf"{module_name}\.py:\d+: .* may change what all runs have"
    ) as refused:
        source_of(module).prepare()
    assert "by way of sys.modules" in str(refused.value)


_REGISTRY = """
names = set()

def once(name):
    if name in names:
        raise ValueError(f"{name} is there already")
    names.add(name)
    return object()
"""


def test_what_may_happen_once(make: Make) -> None:
    """It happens once where the module is shared, and a worker with a module that needs a copy says line and cure."""
    registry = make(_REGISTRY, "registry_once")
    top = "from registry_once import once, names\nMETRIC = once('{}')"
    source = source_of(make(job_module((top.format("a"), "return METRIC"), "once-a")))
    source.prepare()  # a copy fails, and it is not known that runs would see each other
    assert source.copy(clock_of_module(datetime.now(UTC), ""))[0].handler is source.job.handler
    module = make(job_module((f"{top.format('b')}\nseen = []", "seen.append(1)"), "once-b"))
    with pytest.raises(JobDefinitionError) as refused:
        source_of(module).prepare()
    message = str(refused.value)
    assert f"{Path(str(module.__file__)).name}:5" in message  # what fails
    assert f"{Path(str(module.__file__)).name}:10: 'seen'" in message  # why there are copies
    assert "every run" in message
    assert "another module" in message
    assert registry.names == {"a", "b"}
    listens = "from registry_once import names\nnames.add(object())\nseen = []"
    with pytest.raises(JobDefinitionError, match=r"leaves something in registry_once\.names in the process"):
        source_of(make(job_module((listens, "seen.append(1)"), "once-c"))).prepare()


_MODELS = """
from __future__ import annotations
import dataclasses, enum, sys, typing
from pydantic import BaseModel
from terse_temporal import create_job

@dataclasses.dataclass
class Item:
    n: typing.ClassVar[int] = 1
    other: Item | None = None

class Model(BaseModel):
    items: list[Item] = []
    inner: Model | None = None

class Pair(typing.NamedTuple):
    one: Item
    two: int = 1

class Color(enum.Enum):
    RED = 1

def square(x): return x * x

seen = []
this = sys.modules[__name__]

@create_job(name="{name}", durable=True)
async def handler(event):
    seen.append(this.square(2))

LAST = 1
"""


def test_a_copy_is_not_there_for_other_threads(make: Make) -> None:
    """While copies are made, importing, pickling and looking up by the module's name are as ever, on every thread."""
    module = make(_MODELS.replace("{name}", "state-threads"))
    source, name = source_of(module), module.__name__
    stop, errors, count = threading.Event(), [], 0

    def use() -> None:
        nonlocal count
        while not stop.is_set():
            try:
                namespace: dict[str, Any] = {}
                exec(f"from {name} import LAST, square\nimport {name} as found", namespace)
                assert namespace["square"] is module.square
                assert namespace["found"].Item is module.Item
                assert pickle.loads(pickle.dumps(module.square)) is module.square
                assert isinstance(pickle.loads(pickle.dumps(module.Item())), module.Item)
                assert sys.modules[name].LAST == 1
                count += 1
            except Exception as error:
                errors.append(repr(error))

    threads = [threading.Thread(target=use) for _ in range(2)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        copies = [source.copy(clock_of_module(datetime.now(UTC), ""))[1] for _ in range(30)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
    assert errors == []
    assert count > 30
    assert sys.modules[name] is module
    for copy in copies:
        assert copy["this"].square is copy["square"] is not module.square
        assert copy["Model"](inner={"items": [{"other": {}}]}).inner.items[0].other == copy["Item"]()
        assert copy["Pair"](copy["Item"]()).two == 1
