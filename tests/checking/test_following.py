"""Names and calls are followed as Python would follow them, into other modules of the same code base."""

from __future__ import annotations

from pathlib import Path

import pytest

from terse_temporal.checking import Finding, check

from .reading import findings, handler

IMPORTS_OF_A_JOB = {
    "a name": "from terse_temporal import create_job",
    "another name": "from terse_temporal import create_job as job",
    "the package": "import terse_temporal as t",
    "the module within": "from terse_temporal.jobs.registry import create_job",
    "everything": "from terse_temporal import *",
    "a module of one's own": "from again import create_job",
}

DECORATED = {
    "a decorator": "@{create_job}(name='chk-x', durable=True)\nasync def handle(event):\n    open('x')",
    "given": "async def handle(event):\n    open('x')\n{create_job}(name='chk-x', durable=True, on_trigger=handle)",
    "a constant": "YES = True\n@{create_job}(name='chk-x', durable=YES)\nasync def handle(event):\n    open('x')",
    "called": "async def handle(event):\n    open('x')\n{create_job}(name='chk-x', durable=True)(handle)",
    "nested": (
        "def make():\n    @{create_job}(name='chk-x', durable=True)\n    async def handle(event):\n        open('x')"
    ),
    "a filter": "@{create_job}(name='chk-x', filter=lambda event: open('x'))\ndef handle(event): pass",
}


CREATE = "from terse_temporal import create_job\n"
HANDLE = "async def handle(event): open('x')"


def of(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return [each.code for each in findings(code, folder, monkeypatch)]


@pytest.mark.parametrize("imported", IMPORTS_OF_A_JOB.values(), ids=IMPORTS_OF_A_JOB)
@pytest.mark.parametrize("decorated", DECORATED.values(), ids=DECORATED)
def test_jobs(imported: str, decorated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job is seen however it is made, and whatever `create_job` is called."""
    name = "job" if " as job" in imported else "t.create_job" if " as t" in imported else "create_job"
    code = f"# again.py\nfrom terse_temporal import create_job\n\n# jobs.py\n{imported}\n"
    assert of(code + decorated.format(create_job=name), tmp_path, monkeypatch) == ["TERSE204"]


@pytest.mark.parametrize(
    "code",
    [
        f"{CREATE}@create_job(name='chk-x')\n{HANDLE}",
        f"{CREATE}from settings import durable\n@create_job(name='chk-x', durable=durable)\n{HANDLE}",
        f"{CREATE}options = {{}}\n@create_job(name='chk-x', **options)\n{HANDLE}",
        f"from elsewhere import create_job\n@create_job(name='chk-x', durable=True)\n{HANDLE}",
        HANDLE,
    ],
)
def test_no_durable_jobs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not durable, or not said to be, may do what it likes."""
    assert of(code, tmp_path, monkeypatch) == []


HELPERS = {
    "a function": "from helpers import read\n|read()",
    "a module": "import helpers\n|helpers.read()",
    "a nickname": "import helpers as h\n|h.read()",
    "within": "|from helpers import read\n|read()",
    "handed on": "from passing import read\n|read()",
    "at one remove": "from passing import read_twice\n|read_twice()",
    "a method": "from helpers import Reader\n|Reader().read()",
    "one that is derived": "from passing import Longer\n|reader = Longer()\n|reader.read()",
    "a constructor": "from helpers import Opened\n|Opened()",
    "a class method": "from helpers import Reader\n|Reader.make()",
    "a context": "from helpers import opened\n|with opened() as file:\n|    file",
    "a key": "from helpers import read\n|sorted(event.names, key=read)",
}

MODULES = """
# helpers.py
from contextlib import contextmanager
def read(name='x'):
    return open(name)
class Reader:
    def read(self): return self._read()
    def _read(self): return read()
    @classmethod
    def make(cls): return read()
class Opened:
    def __init__(self): self.file = read()
@contextmanager
def opened():
    yield read()

# passing.py
import helpers
from helpers import Reader, read
def read_twice(): return helpers.read(), read()
class Longer(Reader): pass

# jobs.py
"""


@pytest.mark.parametrize("use", HELPERS.values(), ids=HELPERS)
def test_helpers(use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a helper does is found where it is done, with the line of the handler that leads there."""
    before = "\n".join(line for line in use.splitlines() if not line.startswith("|"))
    body = "\n".join(line[1:] for line in use.splitlines() if line.startswith("|"))
    code = handler(body, before=before)
    (found,) = findings(MODULES + code, tmp_path, monkeypatch)
    assert (found.file, found.line, found.code) == ("helpers.py", 4, "TERSE204")
    assert "called from the handler of the job 'chk-case' at jobs.py:" in found.message
    line = int(found.message.rpartition("jobs.py:")[2].split()[0])
    assert any(name in (tmp_path / "jobs.py").read_text().splitlines()[line - 1] for name in ("read", "Reader", "pen"))


@pytest.mark.parametrize(
    "body",
    [
        "await job_step(run=helpers.read)",
        "await stepped('x')",
        "helper = helpers.read\nawait job_step(run=helper)",
        "return helpers.choose(helpers.read)",
        "return helpers.wrapped()",
        "read = event.read\nread()",
    ],
)
def test_steps_are_not_followed(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs as a step, or may do so for all that is known, is none of the handler's doing."""
    before = "import helpers\n@step\ndef stepped(name: str) -> str: return open(name).read()"
    more = "def choose(function): pass\n@unknown_decorator\ndef wrapped(): read()\n"
    code = f"{MODULES.replace('# passing.py', more + '# passing.py')}{handler(body, before=before)}"
    assert of(code, tmp_path, monkeypatch) == []


def test_the_way_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper of a helper: which functions lead there."""
    code = handler("middle()", before="def last(): input()\ndef middle(): last()")
    (found,) = findings(code, tmp_path, monkeypatch)
    assert found.message.startswith("input() in 'last', called from the handler of the job 'chk-case' at jobs.py:")
    assert found.message.endswith(" by way of 'middle'")


def test_pinned_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clock and randomness are deterministic in the handler's own module, in its helpers too, and in no other."""
    own = handler("own()\nelsewhere.other()", before="import elsewhere\ndef own(): return time.time(), uuid.uuid4()")
    helper = "import time, uuid, random, asyncio\ndef other(): return time.time(), uuid.uuid4(), random.Random()"
    found = findings(f"# elsewhere.py\n{helper}\n# jobs.py\n{own}", tmp_path, monkeypatch)
    assert [(each.file, each.code) for each in found] == [
        ("elsewhere.py", "TERSE210"),
        ("elsewhere.py", "TERSE211"),
        ("elsewhere.py", "TERSE211"),
    ]


MODELS = """
import time, uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated
from pydantic import BaseModel, Field
from terse_temporal import now

class Base(BaseModel):
    id: str = Field(default_factory=lambda: str(uuid.uuid4()))

@dataclass
class Line:
    added: float = field(default_factory=time.time)
    parts: "list[Line]" = field(default_factory=list)

class Order(Base):
    at: datetime = Field(default_factory=datetime.now)
    right: datetime = Field(default_factory=now)
    again: Annotated[float, Field(default_factory=time.monotonic)]
    lines: list[Line] | None = None

class Other(BaseModel):
    at: datetime = Field(default_factory=datetime.now)
"""


def test_defaults_of_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults that a clock makes are found in models of another module: of events, with all in them, and made here."""
    event = "from models import Order\n@create_job(name='chk-x', durable=True)\nasync def handle(event: Order): pass\n"
    plain = event.replace("durable=True", "durable=False")
    made = handler("Line(), Other(at=event.at), Line(**event.x)", before="from models import Line, Other")
    cases = [
        (f"# models.py\n{MODELS}\n# jobs.py\n{CREATE}{event}", ["TERSE211", "TERSE210", "TERSE210", "TERSE210"]),
        (f"# models.py\n{MODELS}\n# jobs.py\n{made}", ["TERSE210"]),
        (f"# models.py\n{MODELS}\n# jobs.py\n{CREATE}{plain}", []),
        (f"{MODELS}\n{CREATE}{event.partition(chr(10))[2]}", []),
    ]
    for code, expected in cases:
        assert of(code, tmp_path, monkeypatch) == expected


def test_classes_of_another_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a handler writes to a class of another module stays there for all runs."""
    totals = "class Totals:\n    seen = []\n    @classmethod\n    def add(cls): cls.count = 1"
    jobs = handler("Totals.add()\nTotals.seen.append(1)", before="from totals import Totals")
    assert of(f"# totals.py\n{totals}\n# jobs.py\n{jobs}", tmp_path, monkeypatch) == ["TERSE209", "TERSE209"]


ONCE = "import atexit, logging, prometheus_client as prom, threading\nLOG, last = logging.getLogger('x'), None\n"


def test_what_may_happen_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found at the top of a module that a handler writes to, and nowhere else."""
    once = (
        "COUNT = prom.Counter('a', 'b')\nLOG.addHandler(logging.StreamHandler())\natexit.register(print)\n"
        "threading.Thread(target=print).start()\n"
        "OWN = prom.Counter('c', 'd', registry=None)\nif last: atexit.register(print)\n"
    )
    writes = handler("global last\nlast = event.id", before=ONCE + once)
    assert of(writes, tmp_path, monkeypatch).count("TERSE217") == 4
    assert of(handler("return last", before=ONCE + once), tmp_path, monkeypatch) == []
    beside = f"# once.py\n{ONCE}{once}\n# jobs.py\n" + handler("global last\nlast = 1", before="import once\nlast = 0")
    assert of(beside, tmp_path, monkeypatch) == ["TERSE208"]


STEPS = """
from __future__ import annotations
from typing import TYPE_CHECKING
from terse_temporal import step
if TYPE_CHECKING:
    from bills import Bill
@step
def gives() -> Bill: ...
@step(timeout="1m")
async def takes(number: int, *bills: Bill) -> None: ...
@step(output_schema=list[int])
def says() -> Bill: ...
def plain(bill: Bill) -> Bill: ...
"""


def test_annotations_of_decorated_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is imported for type checkers alone is found in the signature of a function under `@step`."""
    found = findings(STEPS, tmp_path, monkeypatch)
    assert [(each.code, each.message.split("'")[1]) for each in found] == [("TERSE107", "gives"), ("TERSE107", "takes")]


def test_tables_of_a_copied_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is declared once for its base, which is another one in each copy only if it stands in that module."""
    base = "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): pass\n"
    user = "class User(Base):\n    __tablename__ = 'users'\nlast = None\n"
    writes = handler("global last\nlast = event.id", before=f"from db import Base\n{user}")
    assert set(of(f"# db.py\n{base}\n# jobs.py\n{writes}", tmp_path, monkeypatch)) == {"TERSE208", "TERSE217"}
    assert of(handler("global last\nlast = event.id", before=base + user), tmp_path, monkeypatch) == ["TERSE208"]


def test_functions_of_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed is looked at for annotations that mean nothing when a step is made, and is not run."""
    library = tmp_path / "site-packages" / "chk_library"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("from .api import send, give\nraise SystemExit('it is run')\n")
    (library / "api.py").write_text(
        "from __future__ import annotations\nimport typing as t\nif t.TYPE_CHECKING:\n    from x import Mail\n"
        "def send(mail: Mail) -> str: ...\ndef give() -> Mail: ...\n"
    )
    monkeypatch.syspath_prepend(str(library.parent))
    body = (
        "await job_step(run=chk_library.send, input=event.mail)\nawait job_step(run=chk_library.give)\n"
        "await job_step(run=chk_library.send, input=1, input_schema=int)\nawait job_step(run=chk_library.none)"
    )
    assert of(handler(body, before="import chk_library"), tmp_path, monkeypatch) == ["TERSE107", "TERSE107"]


def test_handler_of_another_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that another module makes a job of is deterministic in the module that it is written in."""
    handlers = "import time\nasync def handle(event):\n    return time.time(), open('x')"
    jobs = f"{CREATE}import handlers\ncreate_job(name='chk-x', durable=True, on_trigger=handlers.handle)"
    found = findings(f"# handlers.py\n{handlers}\n# jobs.py\n{jobs}", tmp_path, monkeypatch)
    assert [(each.file, each.code) for each in found] == [("handlers.py", "TERSE204")]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("as_completed([work(n) for n in range(3)])", ["TERSE213"]),
        ("as_completed(given)", ["TERSE213"]),
        ("as_completed([asyncio.create_task(work(n)) for n in range(3)])", []),
        ("as_completed(tasks)", []),
        ("wait(tasks)", []),
    ],
)
def test_completed_elsewhere(call: str, code: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another module `as_completed` of coroutines is found; tasks have numbers there too."""
    helper = (
        "import asyncio\nasync def work(n): return n\n"
        f"async def all_of(given, tasks: list[asyncio.Task[int]]):\n    return asyncio.{call}"
    )
    jobs = handler("await elsewhere.all_of(event.x, event.y)", before="import elsewhere")
    assert of(f"# elsewhere.py\n{helper}\n# jobs.py\n{jobs}", tmp_path, monkeypatch) == code


DURABLE_ONLY = {
    "a step": "def run(data):\n    sleep('1h')\n@create_job(name='chk-x', durable=True)\n"
    "async def handle(event):\n    await job_step(run=run, input=1)",
    "a helper of a step": "def inner():\n    job_step(run=print)\n@step\ndef outer():\n    return inner()",
    "a tool": "@toolbox.tool('chk.sleeper')\nasync def sleeper() -> None:\n    await sleep('1h')",
    "a plain job": "@create_job(name='chk-x')\nasync def handle(event):\n    await wait_for_input('Go on?')",
    "approvals": "@create_job(name='chk-x')\nasync def handle(event):\n"
    "    return await generate_text(prompt='x', tool_approvals=['chk.sleeper'])",
    "policies": "@create_job(name='chk-x')\nasync def handle(event):\n"
    "    return await generate_text(prompt='x', tool_approvals={'chk.sleeper': lambda given: True})",
}


@pytest.mark.parametrize("code", DURABLE_ONLY.values(), ids=DURABLE_ONLY)
def test_durable_only(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that needs a durable handler is found wherever it is made by something else."""
    imports = "from terse_temporal import create_job, generate_text, job_step, sleep, step, toolbox, wait_for_input\n"
    assert "TERSE402" in of(imports + code, tmp_path, monkeypatch)
    refused = "with pytest.raises(Exception): sleep('1h')"
    allowed = f"import pytest\n@create_job(name='chk-x')\nasync def handle(event):\n    {refused}"
    assert of(imports + allowed, tmp_path, monkeypatch) == []


POLICIES = {
    "given['cents'] > 5": [],
    "time.sleep(1) is None": ["TERSE201"],
    "bool(os.environ['X'])": ["TERSE206"],
    "bool(open('x').read())": ["TERSE204"],
}


@pytest.mark.parametrize("is_at_top", [True, False])
@pytest.mark.parametrize(("code", "found"), POLICIES.items(), ids=POLICIES)
def test_policies(
    code: str, found: list[str], is_at_top: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What decides about approvals runs in the workflow, wherever it is written."""
    before = f"def is_much(given):\n    return {code}\nASKED = {{'chk.pay': is_much}}"
    call = "return await generate_text(prompt='x', tool_approvals={'chk.pay': lambda given: CODE})".replace(
        "CODE", code
    )
    if is_at_top:
        call = "return await TerseAgent.create(tool_approvals=ASKED).run_and_wait('x')"
    assert of(handler(call, before=before if is_at_top else ""), tmp_path, monkeypatch) == found


ON_FAILURE = {
    "time.sleep(1)": ["TERSE201"],
    "random.random()": [],
    "sleep('1h')": ["TERSE110"],
    "open('x').write(failure.message)": ["TERSE204"],
    "await job_step(run=lambda: failure.message)": ["TERSE101"],
    "await job_step(run=send, input=failure.message)": [],
    "await sleep('1h')": [],
}


@pytest.mark.parametrize("body", ON_FAILURE)
def test_on_failure(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a durable job does when it has failed is held to the rules of its handler, and followed into helpers."""
    jobs = (
        "import random, time\nfrom terse_temporal import create_job, job_step, sleep\n"
        "async def send(text): ...\n"
        f"async def helper(failure):\n    {body}\n"
        "async def tell(event, failure):\n    await helper(failure)\n"
        "@create_job(name='chk-x', durable=True, timeout='30d', on_failure=tell)\nasync def handle(event): ...\n"
        "@create_job(name='chk-y', durable=True, timeout=None)\nasync def other(event): ...\n"
    )
    assert of(jobs, tmp_path, monkeypatch) == ON_FAILURE[body]


def test_on_failure_of_a_plain_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may do anything but what only a durable handler can."""
    jobs = (
        "import time\nfrom terse_temporal import create_job, sleep\n"
        "def tell(event, failure):\n    time.sleep(1)\n    sleep('1h')\n"
        "@create_job(name='chk-x', timeout=5, on_failure=tell)\ndef handle(event): ...\n"
    )
    assert sorted(of(jobs, tmp_path, monkeypatch)) == ["TERSE110", "TERSE302", "TERSE402"]


WORKFLOW = """
import asyncio, os, random, time, uuid
from datetime import datetime, timedelta
from temporalio import activity, workflow

REGISTRY = {{}}

@activity.defn
async def work(name: str) -> str:
    return open(name).read()

@workflow.defn
class Greeting:
    def __init__(self) -> None:
        self._names: set[str] = set()

    @workflow.{method}
    async def handle(self, name: str) -> None:
        {body}
"""

BY_HAND = {
    "time.sleep(1)": "TERSE201",
    "await asyncio.to_thread(print)": "TERSE202",
    "await asyncio.open_connection('localhost', 9)": "TERSE203",
    "open(name)": "TERSE204",
    "os.environ['X']": "TERSE206",
    "os.environ['X'] = 'y'": "TERSE207",
    "REGISTRY[name] = 1": "TERSE208",
    "datetime.now()": "TERSE210",
    "random.random()": "TERSE211",
    "uuid.uuid4()": "TERSE211",
    "os.urandom(3)": "TERSE212",
    "await asyncio.wait([])": "TERSE213",
    "asyncio.as_completed([])": "TERSE213",
    "for each in {name, 'x'}: await workflow.execute_activity(work, each)": "TERSE214",
    "await work(name)": "TERSE204",
    "workflow.execute_activity(work, name)": "TERSE110",
}

RIGHT_BY_HAND = [
    "workflow.now(), workflow.random().random(), workflow.uuid4(), workflow.time()",
    "await workflow.wait([asyncio.create_task(asyncio.sleep(1))])",
    "await workflow.execute_activity(work, name)",
    "await workflow.wait_condition(lambda: name in self._names)",
    "self._names.add(name)",
    "print(name)",
    "if not workflow.unsafe.is_replaying(): open(name)",
    "with workflow.unsafe.sandbox_unrestricted(): time.sleep(0)",
    "for each in sorted(self._names): await workflow.execute_activity(work, each)",
    "workflow.start_activity(work, name)",
]


@pytest.mark.parametrize("method", ["run", "signal", "query", "update", "signal(name='x')"])
@pytest.mark.parametrize(("body", "code"), BY_HAND.items())
def test_workflows(body: str, code: str, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow written by hand is held to the rules about replays."""
    assert set(of(WORKFLOW.format(method=method, body=body), tmp_path, monkeypatch)) == {code}


@pytest.mark.parametrize("body", RIGHT_BY_HAND)
def test_workflows_that_are_right(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK provides for it, and what the workflow marks as outside of the rules, is left alone."""
    assert of(WORKFLOW.format(method="run", body=body), tmp_path, monkeypatch) == []


def test_one_finding_for_a_shared_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper of two jobs, and of two targets, is reported once."""
    for name in ("first", "second"):
        (tmp_path / f"chk_{name}.py").write_text(handler("read()", before="from chk_helper import read"))
    (tmp_path / "chk_helper.py").write_text("def read():\n    return open('x')\n")
    monkeypatch.chdir(tmp_path)
    found: list[Finding] = check(["chk_first", "chk_second.py", "chk_helper"]).findings
    assert [each.file for each in found] == ["chk_helper.py"]


def test_links_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that holds links to itself has an end."""
    package = tmp_path / "chk_linked"
    package.mkdir()
    (package / "__init__.py").write_text(handler("print(1)"))
    for name in ("again", "once_more"):
        (package / name).symlink_to(package, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    report = check(["chk_linked"])
    assert (report.files, [each.code for each in report.findings]) == (1, ["TERSE216"])
