"""Jobs may stand wherever a project keeps its code, and tests may be split, grouped and parametrised as ever."""

from __future__ import annotations

from .project import SETTINGS, SHOP, Project

_TESTS = """
import pytest

@pytest.mark.parametrize("amount", [1, 2, 3])
async def test_order(jobs, amount):
    jobs.tools.kit.announce.returns("told")
    run = await jobs.start("kit-order", {"amount": amount})
    await run.sleeping()
    await jobs.skip("3d")
    assert await run.result() == f"charge-{amount}"
    jobs.steps.charge.called_once_with(amount)

class TestOrders:
    async def test_declined(self, jobs):
        jobs.steps.charge.raises(ValueError("declined"))
        run = await jobs.start("kit-order", {"amount": 1})
        await run.failed_with(ValueError, match="declined")
"""


def test_in_the_file_of_the_tests(project: Project) -> None:
    """Jobs may be defined in the file of the tests itself, with pytest's rewritten asserts in it."""
    project.write("test_shop.py", SHOP + _TESTS)
    project.test().assert_outcomes(passed=4)


def test_in_a_folder_of_tests(project: Project) -> None:
    """A folder of tests without a package, jobs in a module beside it, named by a setting and imported by nobody."""
    project.write("shop.py", SHOP)
    project.write("tests/test_shop.py", _TESTS)
    project.write("pyproject.toml", f'{SETTINGS}pythonpath = ["."]\nterse_jobs = ["shop"]\n')
    project.test().assert_outcomes(passed=4)


def test_importlib(project: Project) -> None:
    """With `--import-mode=importlib`, in which modules of tests are not on the path, jobs in them run too."""
    project.write("tests/orders/test_shop.py", SHOP + _TESTS)
    project.write("tests/test_shop.py", "def test_of_the_same_name(jobs):\n    assert jobs.runs == []\n")
    project.test("--import-mode=importlib").assert_outcomes(passed=5)


def test_in_a_package(project: Project) -> None:
    """A package in `src/`, whose jobs use modules beside them."""
    project.write("src/company/__init__.py", "")
    project.write("src/company/jobs/__init__.py", "from .order import order\n")
    project.write("src/company/prices.py", "def price(amount):\n    return amount * 2\n")
    project.write(
        "src/company/jobs/order.py",
        SHOP.replace("event.amount", "price(event.amount)") + "\nfrom ..prices import price\n",
    )
    project.write("tests/__init__.py", "")
    project.write(
        "tests/test_order.py",
        """
        from company.jobs import order

        async def test_order(jobs):
            jobs.tools.kit.announce.returns("told")
            assert await jobs.run(order, {"amount": 4}) == "charge-8"
        """,
    )
    project.write("pyproject.toml", f'{SETTINGS}pythonpath = ["src"]\n')
    project.test().assert_outcomes(passed=1)


def test_on_two_processes(project: Project) -> None:
    """Under pytest-xdist every process has a server of its own."""
    project.write("shop.py", SHOP)
    noted = "\n\ndef test_address(jobs):\n    Path(f'address-{jobs.address}').touch()\n"
    text = f"from pathlib import Path\nimport shop\n{_TESTS}{noted}"
    for name in ("test_one.py", "test_two.py"):
        project.write(name, text)
    project.test_alone("-n", "2", "--dist", "loadfile").assert_outcomes(passed=10)
    assert len(list(project.path.glob("address-*"))) == 2
