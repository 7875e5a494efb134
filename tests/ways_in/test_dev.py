"""`terse-temporal dev`: the server, the worker and the reload, as in a terminal."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import stat
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from terse_temporal.cli import ports, reloading, users_files
from terse_temporal.cli.dev_server_file import DevServerFile, running_dev_server
from terse_temporal.errors import MissingExtraError

from ..commands import Command, run, running

pytestmark = pytest.mark.server

JOBS = """
import time
from importlib import import_module
from terse_temporal import Triggers, create_job, job_step, sleep
from words import WORD

def greet(email):
    return f"{WORD}, {email}!"

def work(seconds):
    print("at work", flush=True)
    time.sleep(seconds)
    if not seconds:
        import_module("late")
    return "worked"

@create_job(name="greet", triggers=[Triggers.stripe.on_customer_created()], durable=True)
async def greeting(event):
    return await job_step(run=greet, input=event.customer.email)

@create_job(name="work", durable=True)
async def working(event):
    return await job_step(run=work, input=event.seconds)
"""

TRIGGER = ("terse-temporal", "trigger", "greet", "--event", '{"customer": {"email": "ada@example.com"}}')


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with a file of jobs, and a module that it imports."""
    (tmp_path / "jobs.py").write_text(JOBS)
    (tmp_path / "words.py").write_text('WORD = "Hello"\n')
    return tmp_path


@contextmanager
def dev(shop: Path, *options: str, queue: str = "dev") -> Iterator[tuple[Command, dict[str, str]]]:
    """The command, ready, and what another terminal has to set.

    Its task queue is not the usual one: its port may be, and so the address that other workers of this machine look at.
    """
    with running("terse-temporal", "dev", "jobs.py", "-q", queue, *options, cwd=shop) as command:
        printed = command.says("Ctrl-C ends")
        address = re.search(r"Temporal server  (\S+)", printed)
        assert address
        yield command, {"TEMPORAL_ADDRESS": address[1]}


def test_one_command_for_local_work(shop: Path) -> None:
    """It says where the server and its Web UI are and how to start a run; Ctrl-C leaves nothing running."""
    with dev(shop) as (command, settings):
        printed = command.printed()
        assert printed.startswith("starting a server, and loading jobs.py\n")
        assert "greet  yes      stripe.on_customer_created()  jobs.py:17" in printed
        if settings["TEMPORAL_ADDRESS"] != "127.0.0.1:7233":
            assert f"export TEMPORAL_ADDRESS={settings['TEMPORAL_ADDRESS']}" in printed
        url = re.search(r"Web UI +(http://127\.0\.0\.1:\d+)", printed)
        assert url
        with urllib.request.urlopen(url[1]) as page:
            assert page.status == 200

        [example] = [line.strip() for line in printed.splitlines() if "terse-temporal trigger" in line]
        assert example == shlex.join([*TRIGGER, "--task-queue", "dev", "--wait"])
        started = run(*shlex.split(example), cwd=shop, env=settings)
        assert (started.returncode, started.stdout) == (0, '"Hello, ada@example.com!"\n')
        assert f"{url[1]}/namespaces/default/workflows/greet-" in started.stderr
        command.says("greet done after")

        command.interrupt()
        assert command.ended() == 0
        command.leaves_nothing()
        assert "Traceback" not in command.printed()
    assert (shop / ".terse" / ".gitignore").read_text() == "*\n"


def test_reload(shop: Path) -> None:
    """Saving a job file, or a module that it imports, starts the worker anew; one that does not import is shown, and
    the next save mends it.
    """
    with dev(shop) as (command, settings):
        (shop / "words.py").write_text('WORD = "Good morning"\n')
        command.says("words.py saved: reloading")
        command.says("ready", times=2)
        greeted = run(*TRIGGER, "-q", "dev", "--wait", cwd=shop, env=settings)
        assert greeted.stdout == '"Good morning, ada@example.com!"\n'

        (shop / "jobs.py").write_text(JOBS + "\ndef half(:\n")
        command.says("no worker runs; waiting for the next save")
        assert re.search(r"error: 'jobs.py' cannot be imported: jobs.py:\d+: SyntaxError", command.printed())

        (shop / "jobs.py").write_text(JOBS.replace('name="greet"', 'name="welcome"'))
        command.says("ready", times=3)
        assert "welcome  yes" in command.printed()

        # What the worker has not loaded is none of its code; a file that it imports late is.
        (shop / "test_jobs.py").write_text("import jobs\n")
        (shop / "late.py").write_text("")
        run(*TRIGGER[:2], "work", "-q", "dev", "-w", "-e", '{"seconds": 0}', cwd=shop, env=settings)
        (shop / "late.py").write_text("LATE = 1\n")
        command.says("late.py saved: reloading")
        assert "test_jobs.py" not in command.printed()
        command.says("ready", times=4)
        command.send(signal.SIGTERM)
        assert command.ended() == 0
        command.leaves_nothing()
        assert "Traceback" not in command.printed()


def test_what_is_of_the_code(tmp_path: Path) -> None:
    """Files that the worker has loaded, by whatever way to them, and new ones in a package that it has."""
    (tmp_path / "link").symlink_to(tmp_path)
    loaded = [str(tmp_path / "jobs.py"), str(tmp_path / "shop" / "__init__.py")]
    code = {str(tmp_path / name) for name in ("link/jobs.py", "shop/__init__.py", "shop/new.py", "link/shop/new.py")}
    others = {str(tmp_path / name) for name in ("test_jobs.py", "tests/__init__.py", "shop/inner/new.py")}
    assert reloading.files_of_code(code | others, loaded) == code


def test_the_build_id(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the worker says that its code is: another for each content of the user's files, whatever they import."""
    monkeypatch.setattr(users_files, "users_files", lambda: [str(shop / "jobs.py"), str(shop / "words.py")])
    before = users_files.users_build_id()
    assert before == users_files.users_build_id()
    (shop / "words.py").write_text("")
    assert users_files.users_build_id() != before
    (shop / "words.py").unlink()
    users_files.users_build_id()  # a file that has gone since it was loaded stops nobody


def test_runs_outlive_the_worker_and_the_server(shop: Path) -> None:
    """A worker that is killed is replaced; and what had not ended when all was stopped, goes on the next day."""
    with dev(shop) as (command, settings):
        os.kill(command.worker(), signal.SIGKILL)
        command.says("the worker was ended (SIGKILL); another takes its place")
        command.says("ready", times=2)
        trigger = ("terse-temporal", "trigger", "work", "-q", "dev", "--id", "long", "-e", '{"seconds": 60}')
        assert run(*trigger, cwd=shop, env=settings).returncode == 0
        command.says("at work")
        # The step would be waited for; the second Ctrl-C does not.
        command.interrupt()
        command.says("SIGTERM: taking no more work")
        command.interrupt()
        assert command.ended() == 0
        command.leaves_nothing()

    (shop / "jobs.py").write_text(JOBS.replace("time.sleep(seconds)", ""))
    with dev(shop, "--no-reload") as (command, settings):
        command.says("long  work done")
        os.kill(next(pid for pid, line in command.processes().items() if "start-dev" in line), signal.SIGKILL)
        assert command.ended() == 2
        assert "error: the embedded Temporal server has ended" in command.printed()
        command.leaves_nothing()


def test_one_at_a_time(shop: Path) -> None:
    """A second one in the same directory is refused, and says why; in another it takes other ports and says which."""
    elsewhere = shop / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "jobs.py").write_text(JOBS)
    (elsewhere / "words.py").write_text('WORD = "Hi"\n')
    with dev(shop) as (_, first):
        second = run("terse-temporal", "dev", "jobs.py", cwd=shop)
        assert second.returncode == 2
        assert "another Temporal server is using '.terse/temporal.db'" in second.stderr
        assert "--state DIRECTORY" in second.stderr
        assert "Traceback" not in second.stderr
        with dev(elsewhere) as (other, settings):
            address = settings["TEMPORAL_ADDRESS"]
            assert settings != first
            assert (f"export TEMPORAL_ADDRESS={address}" in other.printed()) == (address != "127.0.0.1:7233")


def test_from_its_directory(shop: Path) -> None:
    """Other commands find its server there and below, time can be skipped, and a save says which open runs break."""
    nap = JOBS + (
        '\n@create_job(name="nap", durable=True)\nasync def nap(event):\n'
        '    await job_step(run=greet, input="ada")\n    await sleep("3d")\n    return "slept"\n'
    )
    (shop / "jobs.py").write_text(nap)
    below = shop / "below"
    below.mkdir()
    with dev(shop) as (command, settings):
        address = settings["TEMPORAL_ADDRESS"]
        started = run("terse-temporal", "trigger", "nap", "-q", "dev", "--id", "nap-1", cwd=below)
        assert started.returncode == 0
        assert f"server {address}, of terse-temporal dev ({shop / '.terse'})" in started.stderr
        command.says("greet done")
        # A run that waits for the worker of another file is nothing that a save here could mend.
        assert run("terse-temporal", "trigger", "elsewhere", "-q", "dev", "--for-later", cwd=shop).returncode == 0

        (shop / "jobs.py").write_text(nap.replace("greet", "hail"))
        command.says("Open runs that this code cannot go on with:")
        cure = command.says("let it keep the old one")
        assert "would break  nap: 1 run, at step 'greet'" in cure
        assert 'name="greet" in its job_step(…)' in command.printed()
        assert "there is no job 'elsewhere' here" not in command.printed()

        (shop / "jobs.py").write_text(nap)
        command.says("ready", times=3)
        skipped = run("terse-temporal", "runs", "skip", "nap-1", "2d", cwd=shop)
        assert (skipped.returncode, "2 days ahead" in skipped.stdout) == (0, True)
        assert "nap done" not in command.printed()
        run("terse-temporal", "runs", "skip", "nap-1", "2d", cwd=shop)
        command.says("nap-1  nap done after 3 days")
        ended = run("terse-temporal", "runs", "skip", "nap-1", "2d", cwd=shop)
        assert (ended.returncode, "has ended" in ended.stderr) == (1, True)

        # What names another server wins.
        other = run("terse-temporal", "trigger", "nap", "--address", "127.0.0.1:1", cwd=shop)
        assert (other.returncode, "'127.0.0.1:1'" in other.stderr) == (2, True)
        by_variable = run("terse-temporal", "trigger", "nap", cwd=shop, env={"TEMPORAL_ADDRESS": "127.0.0.1:1"})
        assert (by_variable.returncode, "'127.0.0.1:1'" in by_variable.stderr) == (2, True)
        command.interrupt()
        assert command.ended() == 0
        command.leaves_nothing()
    left = DevServerFile.read(shop / ".terse")
    assert left is not None
    assert (left.port, left.pid) == (int(address.rpartition(":")[2]), 0), "its next start takes the same port"


def test_the_same_port_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The port of the last time is taken again; else the usual one, else any, where that or its Web UI's is taken."""
    taken: set[int] = set()
    monkeypatch.setattr(ports, "_is_free", lambda port: port not in taken)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ExitStack() as claims:
        assert ports.claim_port(claims, 9000, 7233) == 9000
    taken.add(10_000)
    with ExitStack() as claims:
        assert ports.claim_port(claims, 9000, 7233) == 7233
    taken.add(7233)
    with ExitStack() as claims:
        assert ports.claim_port(claims, 9000, 7233) not in (9000, 7233)


def test_several_in_the_same_moment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that has chosen a port has it, although its server does not yet; whoever comes meanwhile takes another."""
    monkeypatch.setattr(ports, "_is_free", lambda _: True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ExitStack() as first, ExitStack() as second:
        assert ports.claim_port(first, 9000) == 9000
        assert ports.claim_port(second, 9000, 7233) == 7233
        first.close()
        assert ports.claim_port(second, 9000) == 9000
        (tmp_path / f"terse-temporal-{os.geteuid()}-9001.lock").symlink_to(tmp_path / "elsewhere")
        assert ports.claim_port(second, 9001) == 9001
        assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 4000,
        '{"port": 7233}',
        '{"port": "7233", "pid": 1}',
        '{"port": true, "pid": true}',
        '{"port": 70000, "pid": 1}',
        '{"port": -1, "pid": 1}',
        '{"port": 7233, "pid": -1}',
        '{"port": 7233, "pid": 1, "gateway_port": "8088"}',
        '{"port": 7233, "pid": 1, "gateway_port": 70000}',
    ],
)
def test_what_is_no_note_of_a_server(tmp_path: Path, text: str) -> None:
    """A file that `dev` has not written is as none."""
    (tmp_path / "server.json").write_text(text)
    assert DevServerFile.read(tmp_path) is None


def test_whose_note_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note is believed while its writer lives and only this user can have written it; the nearest one counts."""
    (tmp_path / ".terse").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    note = DevServerFile(7233, os.getpid())
    note.write(tmp_path / ".terse")
    file = tmp_path / ".terse" / "server.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert running_dev_server() == (note, tmp_path / ".terse")
    (below.parent / ".terse").mkdir()
    DevServerFile(7000, os.getpid()).write(below.parent / ".terse")
    assert running_dev_server() == (DevServerFile(7000, os.getpid()), below.parent / ".terse")
    DevServerFile(7000, 0).write(below.parent / ".terse")
    assert running_dev_server() == (note, tmp_path / ".terse")
    file.chmod(0o666)
    assert running_dev_server() is None
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    assert running_dev_server() is None


def test_killed(shop: Path) -> None:
    """Even SIGKILL leaves nothing running."""
    with dev(shop) as (command, _):
        command.send(signal.SIGKILL)
        assert command.ended() == -signal.SIGKILL
        command.leaves_nothing()


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        ("import nowhere", "'jobs.py' cannot be imported: jobs.py:1: ModuleNotFoundError"),
        ("x = 1", "'jobs.py' has no jobs"),
        (None, "there is no file 'jobs.py'"),
    ],
    ids=["does not import", "no jobs", "no file"],
)
def test_nothing_to_run(tmp_path: Path, jobs: str | None, said: str) -> None:
    """At the start, a file that is no good ends the command with its message."""
    if jobs is not None:
        (tmp_path / "jobs.py").write_text(jobs)
    with running("terse-temporal", "dev", "jobs.py", cwd=tmp_path) as command:
        assert command.ended() == 2
        assert f"error: {said}" in command.printed()
        assert "Traceback" not in command.printed()
        assert "Temporal server" not in command.printed()
        command.leaves_nothing()


def test_port_taken(shop: Path) -> None:
    """A port that is asked for and taken is refused by name."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = min(taken.getsockname()[1], 64535)
        if port != taken.getsockname()[1]:
            pytest.skip("the system gave a port that has none 1000 above it")
        refused = run("terse-temporal", "dev", "jobs.py", "--port", str(port), cwd=shop)
    assert refused.returncode == 2
    assert f"127.0.0.1:{port}" in refused.stderr
    assert "already in use" in refused.stderr


def test_without_watchfiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that watches files, the message names the extra and the way to do without."""
    monkeypatch.setattr(reloading, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError) as error:
        reloading.require_watchfiles()
    assert 'pip install "terse-temporal[reload]"' in str(error.value)
    assert "--no-reload" in str(error.value)
