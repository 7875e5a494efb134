"""Loading jobs: whatever a person names, under the name that everybody else would import it by.

Each case is a process of its own in a directory of its own, for what is loaded stays loaded.
"""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from terse_temporal.errors import TerseError
from terse_temporal.jobs.loading import load_jobs

from ..forks import FORKS

pytestmark = pytest.mark.server

PROJECT = Path(__file__).parents[2]


def load_in(directory: str, targets: Sequence[str], answers: Connection) -> None:
    """Load jobs there, in a process that has been forked from one that knows the package, and say what came of it."""
    os.chdir(directory)
    sys.path[:] = ["", *(each for each in sys.path if Path(each or ".").resolve() != PROJECT / "samples" / "tests")]
    sys.dont_write_bytecode = True
    del sys.modules["iniconfig"]  # which pytest has, and one of the tests another
    try:
        answers.send({"jobs": [(job.name, job.module) for job in load_jobs(targets)]})
    except TerseError as error:
        cause = type(error.__cause__).__name__ if error.__cause__ else None
        answers.send({"error": type(error).__name__, "said": str(error), "cause": cause})


@dataclass(frozen=True)
class Loaded:
    jobs: list[tuple[str, str]] = field(default_factory=list)
    error: str = ""
    said: str = ""
    cause: str | None = None


class Place:
    """A directory to write modules in and load from."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, **files: str) -> None:
        """Write files; a name's `__` is a slash, its end is `.py`."""
        for name, text in files.items():
            self.write_at(f"{name.replace('__', '/')}.py", text)

    def write_at(self, path: str, text: str = "") -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def load(self, *targets: str, below: str = ".") -> Loaded:
        answers, loads = FORKS.Pipe(duplex=False)
        with answers, loads:
            process = FORKS.Process(target=load_in, args=(str(self.root / below), targets, loads))
            process.start()
            process.join()
            answer: dict[str, Any] = answers.recv()
        return Loaded(**answer)


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return Place(tmp_path)


def job(name: str, before: str = "") -> str:
    """The text of a module with one job."""
    return f"{before}\nfrom terse_temporal import create_job\n@create_job(name={name!r})\ndef run(event): ...\n"


def test_dotted_module(here: Place) -> None:
    """A dotted name is imported from the current directory."""
    here.write(flat=job("a"))
    here.write_at("shop/__init__.py")
    here.write_at("shop/orders.py", job("b"))
    assert here.load("flat", "shop.orders").jobs == [("a", "flat"), ("b", "shop.orders")]


def test_file_alone(here: Place) -> None:
    """A file goes by its own name, may have any name a file can, and imports what stands beside it."""
    here.write_at("jobs/my-job.py", job("a", before="import helper"))
    here.write_at("jobs/helper.py")
    assert here.load("jobs/my-job.py").jobs == [("a", "my-job")]
    assert here.load(str(here.root / "jobs" / "my-job.py")).jobs == [("a", "my-job")]
    assert here.load("../jobs/my-job.py", below="jobs").jobs == [("a", "my-job")]


def test_file_in_a_package(here: Place) -> None:
    """A file inside a package gets its dotted name, wherever it is named from, so that relative imports work."""
    here.write_at("src/shop/__init__.py")
    here.write_at("src/shop/prices.py", "VAT = 20")
    here.write_at("src/shop/jobs/__init__.py")
    here.write_at("src/shop/jobs/orders.py", job("a", before="from ..prices import VAT"))
    for target, below in (
        ("src/shop/jobs/orders.py", "."),
        ("orders.py", "src/shop/jobs"),
        ("./jobs/orders.py", "src/shop"),
    ):
        assert here.load(target, below=below).jobs == [("a", "shop.jobs.orders")]


def test_package(here: Place) -> None:
    """A package, dotted or as a directory, means every module in it, but does not run it as a program."""
    here.write_at("shop/__init__.py", job("top"))
    here.write_at("shop/__main__.py", "raise SystemExit('ran as a program')")
    here.write_at("shop/orders.py", job("a"))
    here.write_at("shop/parts/__init__.py")
    here.write_at("shop/parts/deep.py", job("b"))
    expected = [("top", "shop"), ("a", "shop.orders"), ("b", "shop.parts.deep")]
    for target in ("shop", "shop/", "./shop", "shop/__init__.py", str(here.root / "shop")):
        assert here.load(target).jobs == expected
    assert here.load(".", below="shop").jobs == expected


def test_only_what_was_named(here: Place) -> None:
    """Jobs of other modules stay out, unless importing the target is what defined them."""
    here.write(shared=job("shared"), one=job("one", before="import shared"), two=job("two"))
    assert here.load("one").jobs == [("shared", "shared"), ("one", "one")]
    assert here.load("two").jobs == [("two", "two")]


def test_named_twice(here: Place) -> None:
    """The same file by two names is loaded once, and its jobs are not defined twice."""
    here.write_at("jobs/orders.py", job("a"))
    assert here.load("jobs/orders.py", "jobs.orders", "jobs", "./jobs/orders.py").jobs == [("a", "orders")]
    assert here.load("jobs.orders", "jobs/orders.py").jobs == [("a", "jobs.orders")]


def test_the_current_directory_comes_first(here: Place) -> None:
    """A module here wins over one of the same name that is installed."""
    here.write(iniconfig=job("mine"))
    assert here.load("iniconfig").jobs == [("mine", "iniconfig")]


def test_two_files_with_one_name(here: Place) -> None:
    """Two files that would be the same module are refused, and both are named."""
    here.write(a__jobs=job("a"), b__jobs=job("b"))
    loaded = here.load("a/jobs.py", "b/jobs.py")
    assert loaded.error == "JobLoadError"
    assert "'b/jobs.py' would be the module 'jobs'" in loaded.said
    assert "a/jobs.py" in loaded.said


@pytest.mark.parametrize("name", ["json", "sys", "colorsys", "__main__"])
def test_file_with_the_name_of_another_module(here: Place, name: str) -> None:
    """A file named like a module of the standard library, imported yet or not, is refused."""
    here.write_at(f"jobs/{name}.py", job("a"))
    loaded = here.load(f"jobs/{name}.py")
    assert loaded.error == "JobLoadError"
    assert f"'jobs/{name}.py' would be the module {name!r}" in loaded.said


def test_dot_in_the_name_of_a_file(here: Place) -> None:
    """A file whose name has a dot cannot be a module, and the error says to rename it."""
    here.write_at("jobs.v2.py", job("a"))
    loaded = here.load("jobs.v2.py")
    assert loaded.error == "JobLoadError"
    assert "Rename" in loaded.said


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("onbording.py", "did you mean 'onboarding.py'?"),
        ("shop/oders.py", "did you mean 'shop/orders.py'?"),
        ("shop/orders", "did you mean 'shop/orders.py'?"),
        ("onbording", "did you mean 'onboarding'?"),
        ("shop.oders", "did you mean 'shop.orders'?"),
        ("shpo.orders", "did you mean 'shop'?"),
        ("quite-another.py", "there is no file 'quite-another.py'"),
        ("quite.another", "there is no module 'quite', which 'quite.another' is to be found in"),
        ("onboarding.deeper", "there is no module 'onboarding.deeper'"),
        (".onboarding", "there is no module '.onboarding'"),
        ("", "there is no module ''"),
    ],
)
def test_target_that_does_not_exist(here: Place, target: str, named: str) -> None:
    """A target that is not there is named, with the nearest that is."""
    here.write(onboarding=job("a"))
    here.write_at("shop/__init__.py")
    here.write_at("shop/orders.py", job("b"))
    loaded = here.load(target)
    assert loaded.error == "JobLoadError"
    assert named in loaded.said


def test_directory_that_is_no_package(here: Place) -> None:
    """A directory without `__init__.py` is refused with the files that could be named instead."""
    here.write(jobs__orders=job("a"))
    loaded = here.load("./jobs")
    assert loaded.error == "JobLoadError"
    assert "`__init__.py`" in loaded.said
    assert "'jobs/orders.py'" in loaded.said


def test_not_python(here: Place) -> None:
    """A file that is not Python is refused as that."""
    here.write_at("jobs/list.txt")
    assert "not a Python file" in here.load("jobs/list.txt").said


@pytest.mark.parametrize(
    ("text", "cause", "parts"),
    [
        ("\n\n1 / 0\n", "ZeroDivisionError", ["broken.py:3", "ZeroDivisionError: division by zero"]),
        ("def (:\n", "SyntaxError", ["broken.py:1", "SyntaxError: invalid syntax"]),
        ("\nimport not_installed\n", "ModuleNotFoundError", ["broken.py:2", "'not_installed'", "install it"]),
        ("\nimport json\njson.loads('{')\n", "JSONDecodeError", ["broken.py:3", "JSONDecodeError"]),
        ("raise ValueError('one\\ntwo')\n", "ValueError", ["broken.py:1", "ValueError: one\ntwo"]),
        ("import helper\n", "KeyError", ["helper.py:2", "KeyError: 'missing'"]),
        ("import sys\nsys.exit(3)\n", "SystemExit", ["broken.py:2", "SystemExit: 3"]),
        ("import broken.deeper\n", "ModuleNotFoundError", ["broken.py:1", "'broken' is not a package"]),
    ],
)
def test_error_at_import(here: Place, text: str, cause: str, parts: list[str]) -> None:
    """A module that raises: the user's line, the error's class and text, and the error itself as the cause."""
    here.write(broken=text, helper="def look():\n    return {}['missing']\nlook()\n")
    for target in ("broken", "broken.py"):
        loaded = here.load(target)
        assert (loaded.error, loaded.cause) == ("JobLoadError", cause)
        for part in (repr(target), *parts):
            assert part in loaded.said


def test_an_option_that_makes_no_sense(here: Place) -> None:
    """What is wrong before there is a job, in a `Retry` say, is told with the user's line."""
    here.write(broken="from terse_temporal import Retry\n\nRetry(max_attempts=0)\n")
    for target in ("broken", "broken.py"):
        loaded = here.load(target)
        assert loaded.error == "JobDefinitionError"
        assert loaded.said == "broken.py:3: Retry(max_attempts=0): give a whole number of 1 or more"


def test_error_in_a_package(here: Place) -> None:
    """A module of a package that raises, and a package that does, are errors of the target, not modules passed over."""
    here.write_at("shop/__init__.py")
    here.write_at("shop/fine.py", job("a"))
    here.write_at("shop/parts/__init__.py", "import not_installed")
    here.write_at("shop/parts/deep.py", job("b"))
    for target in ("shop", "shop.parts.deep", "shop/parts/deep.py"):
        loaded = here.load(target)
        assert (loaded.error, loaded.cause) == ("JobLoadError", "ModuleNotFoundError")
        assert "shop/parts/__init__.py:1" in loaded.said


def test_no_jobs(here: Place) -> None:
    """A target without jobs is named, with where was looked and what makes a job, though others have some."""
    here.write(fine=job("a"), empty="X = 1")
    here.write_at("shop/__init__.py")
    here.write_at("shop/prices.py")
    loaded = here.load("fine", "empty")
    assert loaded.error == "JobLoadError"
    assert "'empty' has no jobs" in loaded.said
    assert "create_job" in loaded.said
    assert "'shop', 'shop.prices'" in here.load("shop").said


def test_job_defined_twice(here: Place) -> None:
    """Two jobs of one name stay the JobDefinitionError that `create_job` raised, with both places."""
    here.write(one=job("same"), two=job("same"))
    loaded = here.load("one", "two.py")
    assert (loaded.error, loaded.cause) == ("JobDefinitionError", None)
    for part in ("'same'", "one.py:3", "two.py:3"):
        assert part in loaded.said


@pytest.mark.parametrize("zipped", [False, True], ids=["directory", "zip"])
def test_run_as_a_module_without_source(tmp_path: Path, zipped: bool) -> None:
    """`python -m jobs` finds the code of the module that it runs where there is only bytecode, in a zip too."""
    source = tmp_path / "jobs.py"
    source.write_text(
        "from terse_temporal import create_job\n"
        "from terse_temporal.engine.workflow.sandbox import JobSource\n"
        '@create_job(name="sourceless", durable=True)\n'
        "async def sourceless(event):\n"
        "    return 1\n"
        'if __name__ == "__main__":\n'
        "    code = JobSource(sourceless)._source.code\n"
        '    print("sourceless" in code.co_names)\n'
    )
    compiled = tmp_path / "jobs.pyc"
    py_compile.compile(str(source), cfile=str(compiled), dfile="jobs.py", doraise=True)
    source.unlink()
    if zipped:
        with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
            archive.write(compiled, "jobs.pyc")
            archive.writestr("__main__.py", "raise SystemExit('not this one')\n")
        compiled.unlink()
    where = tmp_path / "app.zip" if zipped else tmp_path
    said = subprocess.run(
        [sys.executable, "-m", "jobs"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(where), str(PROJECT)])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.stdout, said.stderr) == ("True\n", "")
