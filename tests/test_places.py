"""A file is the user's own unless it is Python's, this package's or installed, however paths are written."""

import ntpath
import os
import posixpath
import subprocess
from pathlib import Path

import pytest

import terse_temporal
from terse_temporal.diagnostics.places import is_library_file, is_users_file, is_users_file_anywhere

LINUX = ("/usr/lib/python3.11", "/srv/shop/.venv/lib/python3.11/site-packages")
WINDOWS = (r"C:\Python311\Lib", r"C:\shop\.venv\Lib\site-packages")


@pytest.mark.parametrize(
    ("file", "is_library"),
    [
        ("/usr/lib/python3.11/asyncio/tasks.py", True),
        ("/usr/lib/python3.11", True),
        ("/usr/lib/python3.11-jobs/shop.py", False),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", True),
        ("/opt/other/site-packages/yaml/__init__.py", True),
        ("/srv/site-packages-of-ours/shop.py", False),
        ("/srv/shop/jobs.py", False),
        ("/USR/LIB/PYTHON3.11/asyncio/tasks.py", False),
        ("<frozen importlib._bootstrap>", True),
        ("<stdin>", False),
    ],
)
def test_libraries_by_the_rules_of_posix(file: str, is_library: bool) -> None:
    """A directory's neighbour whose name begins like it is none of its files, and capital letters count."""
    assert is_library_file(file, LINUX, posixpath) is is_library


@pytest.mark.parametrize(
    ("file", "is_library"),
    [
        (r"C:\Python311\Lib\asyncio\tasks.py", True),
        (r"c:\python311\lib\asyncio\tasks.py", True),
        ("C:/Python311/Lib/asyncio/tasks.py", True),
        (r"C:\shop\.venv\lib\SITE-PACKAGES\yaml\__init__.py", True),
        ("D:/other/site-packages/yaml/__init__.py", True),
        (r"C:\Python311\Library\shop.py", False),
        (r"C:\shop\jobs.py", False),
        (r"D:\Python311\Lib\asyncio\tasks.py", False),
    ],
)
def test_libraries_by_the_rules_of_windows(file: str, is_library: bool) -> None:
    """Either separator and letters of any case are the same path there."""
    assert is_library_file(file, WINDOWS, ntpath) is is_library


def test_files_of_this_process() -> None:
    """Python's modules, installed ones and this package's are told from a file of the user's."""
    assert not is_users_file(os.__file__)
    assert not is_users_file(subprocess.__file__)
    assert not is_users_file(pytest.__file__)
    assert not is_users_file(terse_temporal.__file__)
    assert not is_users_file(str(Path(terse_temporal.__file__).parent))
    assert is_users_file(__file__)
    assert is_users_file(f"{Path(terse_temporal.__file__).parent}_jobs/shop.py")


@pytest.mark.parametrize(
    ("file", "is_users"),
    [
        ("/app/jobs/shop.py", True),
        (r"C:\app\jobs\shop.py", True),
        ("/app/.venv/lib/python3.13/site-packages/httpx/_client.py", False),
        (r"C:\app\.venv\Lib\site-packages\httpx\_client.py", False),
        ("/usr/local/lib/python3.13/asyncio/tasks.py", False),
        (r"C:\Users\ada\AppData\Local\Programs\Python\Python313\Lib\asyncio\tasks.py", False),
        ("/src/terse_temporal/jobs/steps.py", False),
        ("<frozen runpy>", False),
    ],
)
def test_files_that_a_history_names(file: str, is_users: bool) -> None:
    """A recorded line comes from a worker on some machine, with paths of its own kind."""
    assert is_users_file_anywhere(file) is is_users
