"""A reference in a history runs the function that it was made for, after a deploy and in a new process, or none."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import sys
import textwrap
import types
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Literal

import pytest

from terse_temporal import Job
from terse_temporal.engine.code.fingerprints import fingerprint
from terse_temporal.engine.code.first_party import FirstParty
from terse_temporal.engine.code.functions import FunctionIndex
from terse_temporal.engine.wire.types import refer_to_type, resolve_type
from terse_temporal.errors import StepIsolationError, UnknownFunctionError
from terse_temporal.jobs.registry import collecting
from terse_temporal.testing import JobEnvironment

from ..effects import Effects

Write = Callable[..., tuple[FunctionIndex, ModuleType]]


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a version of a module of jobs, beside what was written before, and loads it in the place of that."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(source: str, name: str = "jobs_versions") -> tuple[FunctionIndex, ModuleType]:
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(source))
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode, written = True, sys.dont_write_bytecode
        try:
            with collecting() as jobs:
                spec.loader.exec_module(module)
        finally:
            sys.dont_write_bytecode = written
        return FunctionIndex(jobs.values()), module

    yield write
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def nested(job: Job, name: str) -> list[FunctionType]:
    """The functions within a handler, as it makes them."""
    handler = job.handler
    assert isinstance(handler, FunctionType)
    found = [each for each in handler.__code__.co_consts if isinstance(each, CodeType) and each.co_name == name]
    return [FunctionType(code, handler.__globals__) for code in found]


def references(index: FunctionIndex, module: ModuleType, name: str) -> list[str]:
    return [index.refer(each, "s", "here", vars(module)) for each in nested(module.job, name)]


HEAD = """
from terse_temporal import create_job, job_step

@create_job(name="versions", durable=True)
async def job(event):
    keep = False
"""


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "<lambda>",
            ["f = lambda order: order.charge()", "g = lambda order: order.refund()"],
            ["g = lambda order: order.refund()"],
        ),
        ("<lambda>", ["f = lambda n: n + 1", "g = lambda n: n - 1"], ["g = lambda n: n - 1"]),
        ("pay", ["def pay(o): return o.charge()", "def pay(o): return o.refund()"], ["def pay(o): return o.refund()"]),
    ],
    ids=["a lambda", "a lambda that differs in an operator", "a def"],
)
def test_the_other_of_two(version: Write, name: str, before: list[str], after: list[str]) -> None:
    """Of two functions of one name, the one that is taken away is not taken for the one that stays."""
    gone, stays = references(*version(HEAD + "".join(f"    {line}\n" for line in before)), name)
    index, module = version(HEAD + "    more = [keep]\n" + "".join(f"    {line}\n" for line in after))
    with pytest.raises(UnknownFunctionError, match="this worker does not run the function"):
        index.resolve(gone)
    found = index.resolve(stays)
    assert isinstance(found, FunctionType)
    assert found.__code__ == nested(module.job, name)[0].__code__


def test_a_function_that_was_edited(version: Write) -> None:
    """The body of a nested `def` that is alone under its name may be edited while it is in flight."""
    (reference,) = references(*version(f"{HEAD}    def pay(order): return 1\n"), "pay")
    index, _ = version(f"{HEAD}    def pay(order): return 2\n")
    assert index.resolve(reference)(None) == 2


def test_other_versions_of_python(version: Write) -> None:
    """What a function says has the same fingerprint in every version of Python; only the same compares how."""
    source = """
        def pay(order):
            '''Pay

                it.
            '''
            with open(order.path) as file:
                lines = [line.cents for line in file if line != order]
            try:
                return {k: [x + 1 for x in v] for k, v in order.items() if k in {"b", "a"}}, lambda n: n
            except (ValueError, KeyError) as err:
                raise RuntimeError(f"{lines!r:>10}", *lines, key=None) from err
    """
    (code,) = (
        each for each in compile(textwrap.dedent(source), "here", "exec").co_consts if isinstance(each, CodeType)
    )
    # Found by 3.11, 3.12 and 3.13, of which the first makes functions of comprehensions.
    assert fingerprint(code).partition(".")[0] == "9549ef0aeb3a"

    index, module = version(f"{HEAD}    f = lambda order: [n + 1 for n in order]\n    g = lambda order: order\n")
    reference, _ = references(index, module, "<lambda>")
    said, _, _ = reference.partition("#")[2].split(".")
    other = f"{reference.partition('#')[0]}#{said}.00000000.399"
    assert index.resolve(other)([1]) == [2]


MAILING = """
from pydantic import BaseModel
from terse_temporal import job_step, step

class Mail(BaseModel):
    text: str

@step
def send(path): ...

async def prepare():
    def nested(): ...
    await job_step(run=nested)
"""


def test_imported_in_a_function(version: Write, tmp_path: Path) -> None:
    """What a handler imports is found by a process that has not run it; what no code imports is not even imported."""
    for name in ("mailing_versions", "unnamed_versions"):
        (tmp_path / f"{name}.py").write_text(MAILING)
    index, _ = version(f"{HEAD}    from mailing_versions import Mail, prepare, send\n")
    assert "mailing_versions" not in sys.modules
    assert index.resolve("mailing_versions:send").__name__ == "send"
    assert index.resolve("mailing_versions:prepare.<locals>.nested")() is None
    assert resolve_type("mailing_versions:Mail", index) is sys.modules["mailing_versions"].Mail
    # A name that no other test imports: what `@step` declares is known for the life of the process.
    for reference in ("unnamed_versions:send", "unnamed_versions:Mail", "antigravity:send"):
        with pytest.raises(UnknownFunctionError):
            index.resolve(reference)
        with pytest.raises(UnknownFunctionError):
            resolve_type(reference, index)
        assert reference.partition(":")[0] not in sys.modules


def test_imported_while_it_runs(version: Write, tmp_path: Path) -> None:
    """A step of a module that was imported in a way that cannot be repeated is refused when it is scheduled."""
    (tmp_path / "dropping_versions.py").write_text(MAILING)
    index, module = version(HEAD)
    dropping = importlib.import_module("dropping_versions")
    with pytest.raises(UnknownFunctionError, match="Import the module at the top of the job's"):
        index.refer(dropping.send, "send", "here", vars(module))


IMPORTS = """
from math import hypot, sqrt
from operator import neg as negative, pos
import stripe_versions

from shutil import rmtree
from terse_temporal import create_job, job_step

TABLE = {"root": sqrt}

@create_job(name="versions", durable=True)
async def job(event):
    for function in (hypot, stripe_versions.charge):
        await job_step(run=function, input=event)
    await other()

async def other():
    await apply(negative)

async def apply(function):
    await job_step(run=function, input=1)

def clean(path):
    rmtree(path)
    return list(map(pos, [1]))
"""


def test_what_a_module_imports(version: Write, tmp_path: Path) -> None:
    """An imported function is run where the code hands it to a step; where that cannot be read, it says what to do."""
    (tmp_path / "stripe_versions.py").write_text("def charge(x): ...\n")
    index, module = version(IMPORTS)
    for name in ("hypot", "sqrt"):
        assert index.refer(vars(module)[name], "s", "here", vars(module)) == f"jobs_versions:{name}"
        assert index.resolve(f"jobs_versions:{name}") is vars(module)[name]
    for name in ("rmtree", "pos", "negative", "create_job", "job_step"):
        with pytest.raises(UnknownFunctionError):
            index.resolve(f"jobs_versions:{name}")
    with pytest.raises(StepIsolationError, match="Give the step a `def` of your own that makes the call"):
        index.refer(vars(module)["negative"], "s", "here", vars(module))


TOOLS = """
import terse_temporal as tt
from terse_temporal import Skills, create_job, toolbox as box

def helper(toolbox, event):
    return toolbox.email.send, event.slack, event.http
"""


@pytest.mark.parametrize(
    ("line", "tools"),
    [
        ("event.http, event.email, {'http.request': 1}", set()),
        ("box.http.request(url='x')", {"http"}),
        ("tt.toolbox.slack.send_message(message='x')", {"slack"}),
        ("box.call('http.request', {})", {"http"}),
        ("box.crm.find(email=event.email)", set()),
        (
            "tt.generate_text(prompt='x', skills=[Skills.http(), 'slack'])",
            {"http", "slack", "generate_text", "wait_for_input"},
        ),
        ("tt.TerseAgent(skills=[Skills.all()])", {"*", "generate_text", "wait_for_input"}),
        ("tt.wait_for_input(prompt='x')", {"wait_for_input"}),
    ],
)
def test_which_tools_are_used(version: Write, line: str, tools: set[str]) -> None:
    """Which built-in tools the code uses is read from it: attributes of the toolbox and of Skills, and no others.

    What has a model may ask whether a tool is to be called.
    """
    job = f"@create_job(name='versions', durable=True)\nasync def job(event):\n    {line}\n"
    index, _ = version(TOOLS + job)
    assert index.tools == tools | {"email"}


LATE = """
from terse_temporal import create_job, job_step

def length(mail):
    return len(mail.text)

@create_job(name="late-{name}", durable=True)
async def late(event):
    from mailing_late import Mail, prepare, send
    await send(event.effects)
    text = await prepare(event.effects)
    return await job_step(run=length, input={{"text": text}}, input_schema=Mail)
"""

MAILING_LATE = """
import time
from pathlib import Path
from pydantic import BaseModel
from terse_temporal import current_step, job_step, step
from tests.effects import record

class Mail(BaseModel):
    text: str

@step
def send(path: str) -> None:
    record(path, f"send {current_step().attempt}")
    if current_step().attempt == 1:
        time.sleep(60)

async def prepare(path):
    def nested(path):
        return "mail"
    return await job_step(run=nested, input=path)
"""


async def test_in_another_process(env: JobEnvironment, task_queue: str, tmp_path: Path, effects: Effects) -> None:
    """A step of a module that its handler imports runs again in a process that has never run that handler."""
    name = uuid.uuid4().hex[:8]
    (tmp_path / f"jobs_{name}.py").write_text(LATE.format(name=name))
    (tmp_path / "mailing_late.py").write_text(MAILING_LATE)

    async def worker() -> asyncio.subprocess.Process:
        main = "from terse_temporal.cli.entry import worker; worker()"
        arguments = ["-c", main, str(tmp_path / f"jobs_{name}.py"), "--task-queue", task_queue]
        root = str(Path(__file__).parents[2])
        environ = {**os.environ, "TEMPORAL_ADDRESS": env.address, "PYTHONPATH": root}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            env=environ,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def lines(*expected: str) -> None:
        async with asyncio.timeout(40):
            while effects.lines() != list(expected):  # noqa: ASYNC110  # another process writes them
                await asyncio.sleep(0.05)

    run: Any = await env.start(f"late-{name}", {"effects": str(effects)}, task_queue=task_queue)
    first = await worker()
    try:
        await lines("send 1")
    finally:
        first.send_signal(signal.SIGKILL)
        await first.wait()
    second = await worker()
    try:
        await lines("send 1", "send 2")
        async with asyncio.timeout(20):
            assert await run.result() == 4
    finally:
        second.send_signal(signal.SIGKILL)
        await second.wait()


def test_literals(version: Write) -> None:
    """What stands in a `Literal` travels as JSON, members of enums and bytes too; what is made up is no type."""
    index, _ = version(f"from enum import Enum\n\nclass Color(Enum):\n    RED = 'red'\n\n{HEAD}    pass\n")
    module: Any = sys.modules["jobs_versions"]
    given = Literal[module.Color.RED, b"\xff", "a", 1, True, None]  # type: ignore[valid-type]  # a member of a module that the test writes
    reference = json.loads(json.dumps(refer_to_type(given, "'x'", vars(module))))
    assert resolve_type(reference, index) == given
    color = "jobs_versions:Color"
    for wrong in (
        {"of": "builtins:int", "member": "RED"},
        {"of": color, "member": "BLUE"},
        {"bytes": "x"},
        {"a": 1},
        [1],
    ):
        with pytest.raises(UnknownFunctionError):
            resolve_type({"literal": [wrong]}, index)


def test_a_model_of_a_library(version: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of a library is a schema where the code names it, by its name or as an attribute of the library."""
    installed = tmp_path / "site-packages"
    installed.mkdir()
    models = "".join(f"class {name}(BaseModel): ...\n" for name in ("Order", "Line", "Quote", "Other"))
    (installed / "shop_versions.py").write_text(f"from pydantic import BaseModel\n{models}")
    monkeypatch.syspath_prepend(str(installed))
    source = "import shop_versions\nfrom shop_versions import Order\n"
    index, _ = version(
        f"{source}{HEAD}    await job_step(run=len, input=event, input_schema=shop_versions.Line)\n\n"
        "def quoted(x: 'list[shop_versions.Quote] | None'): ...\n"
    )
    shop: Any = sys.modules["shop_versions"]
    assert resolve_type("shop_versions:Order", index) is shop.Order
    assert resolve_type("jobs_versions:Order", index) is shop.Order
    assert resolve_type("shop_versions:Quote", index) is shop.Quote
    assert resolve_type({"of": "builtins:list", "with": ["shop_versions:Line"]}, index) == types.GenericAlias(
        list, shop.Line
    )
    with pytest.raises(UnknownFunctionError, match="the code of the jobs does not name it"):
        resolve_type("shop_versions:Other", index)


def test_beside_an_installed_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed beside a job's module is a library, and what stands beside it in a project is not."""
    for directory in ("site-packages", "project"):
        place = tmp_path / directory
        place.mkdir()
        name = directory.replace("-", "_")
        (place / f"jobs_in_{name}.py").write_text(f"import single_in_{name}\nimport package_in_{name}\n")
        (place / f"single_in_{name}.py").write_text("def call(): ...\n")
        (place / f"package_in_{name}").mkdir()
        (place / f"package_in_{name}" / "__init__.py").write_text("")
        monkeypatch.syspath_prepend(str(place))
        found = FirstParty([importlib.import_module(f"jobs_in_{name}")])
        ours = [f"{each}_in_{name}" in found for each in ("jobs", "single", "package")]
        assert ours == [True, directory == "project", directory == "project"]
        assert not [each for each in ("os", "pydantic", "terse_temporal", "no_such_module") if each in found]


def test_what_a_module_beside_the_jobs_has(version: Write) -> None:
    """Its lambdas in a dict, and a module imported in a handler that something else has imported before, are found."""
    version("TABLE = {'double': lambda x: 2 * x}", "tables_beside")
    version("def late(x): return x", "late_beside")
    index, module = version(
        """
        from terse_temporal import create_job
        import tables_beside

        OWN = {"triple": lambda x: 3 * x}

        @create_job(name="beside", durable=True)
        async def beside(event):
            import late_beside
            return late_beside.late
        """
    )
    late = sys.modules["late_beside"].late
    found = [module.tables_beside.TABLE["double"], module.OWN["triple"], late]
    for function, result in zip(found, [10, 15, 5], strict=True):
        reference = index.refer(function, "s", "here", vars(module))
        assert index.resolve(reference)(5) == result
