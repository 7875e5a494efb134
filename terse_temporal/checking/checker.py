"""Reading a code base for what will hurt, without running any of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..errors import JobLoadError
from .awaiting import awaiting
from .codes import CODES
from .defaults import defaults
from .effects import effects
from .findings import Checked, Finding
from .ignores import without_ignored
from .isolation import isolation
from .literals import literals
from .order import order
from .project import Project, targets_of
from .reach import reached_from
from .roles import Roles
from .shared_state import shared
from .source import Module
from .step_arguments import given
from .structure import structure
from .symbols import Resolver

__all__ = ["Report", "check"]

_RULES = (isolation, given, awaiting, effects, defaults, shared, order, literals, structure)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        findings: in the order of files and lines.
        files: how many were read.
        jobs, workflows: how many are written there.
    """

    findings: list[Finding]
    files: int
    jobs: int
    workflows: int

    @property
    def failed(self) -> bool:
        """Whether there is anything worse than a note."""
        return any(each.severity != "note" for each in self.findings)


def check(targets: Sequence[str], *, select: Collection[str] = (), ignore: Collection[str] = ()) -> Report:
    """Read what the targets name, and the modules of the same code base that they import.

    Args:
        targets: dotted modules, files or packages.
        select: only these codes, or those that begin so (`TERSE2`); without it, all.
        ignore: not these.

    Raises:
        JobLoadError: a target does not exist or is not Python, or there is no such code.

    A hundred files take about a second. Nothing is imported or run, so it needs neither what the code imports nor a
    server.
    """
    chosen = _choose(select, ignore)
    project = targets_of(targets)
    resolver = Resolver(project)
    roles = Roles(resolver)
    modules = _with_imported(project.targets, project)
    roles.read(modules)
    reached = [each for role in roles.roles for each in reached_from(role, roles, resolver)]
    checked = Checked(modules, roles, resolver, reached)
    found: dict[tuple[str, int, int, str], Finding] = {}
    for rule in _RULES:
        for each in rule(checked):
            # A helper of two jobs is reported once, for the first.
            found.setdefault((each.file, each.line, each.column, each.code), each)
    kept = [each for each in without_ignored(sorted(found.values()), modules) if each.code in chosen]
    jobs = {role.function for role in roles.roles if role.kind in ("handler", "plain")}
    workflows = {role.function.class_ for role in roles.roles if role.kind == "workflow"}
    return Report(
        findings=sorted(kept),
        files=len(modules),
        jobs=len(jobs),
        workflows=len(workflows),
    )


def _with_imported(targets: list[Module], project: Project) -> list[Module]:
    """Return the targets, and the modules of the same code base that they import, directly or not."""
    modules = list(targets)
    for module in modules:  # it grows while it is gone through
        for name in module.imports():
            found = project.module(name)
            if found is not None and found not in modules:
                modules.append(found)
    return modules


def _choose(select: Collection[str], ignore: Collection[str]) -> set[str]:
    for code in (*select, *ignore):
        if not any(each.startswith(code.upper()) for each in CODES):
            raise JobLoadError(
                f"there is no code {code!r}; there are {min(CODES)!r} to {max(CODES)!r}, and"
                " `terse-temporal explain checks` says what each is"
            )
    chosen = {each for each in CODES if not select or any(each.startswith(code.upper()) for code in select)}
    return {each for each in chosen if not any(each.startswith(code.upper()) for code in ignore)}
