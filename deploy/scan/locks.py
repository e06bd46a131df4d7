"""What holds for the locks without asking anybody: pinned, with hashes, without addresses, one set of versions."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pip_requirements_parser import InstallRequirement, RequirementsFile

from deploy.scan.report import CHECKOUT, Report

RUNTIME, ALL = "requirements.lock", "requirements-dev.lock"
LOCK = "Run `make lock`"


def read_lock(path: Path) -> dict[str, InstallRequirement]:
    """Returns the requirements of a lock by their normalized names."""
    return {canonicalize_name(entry.name): entry for entry in RequirementsFile.from_file(str(path)).requirements}


def locked_version(entry: InstallRequirement) -> str | None:
    """Returns the one version that is pinned, or None if that is not so."""
    pins = list(entry.specifier or ())
    return pins[0].version if len(pins) == 1 and pins[0].operator == "==" and "*" not in pins[0].version else None


def check_locks(root: Path = CHECKOUT) -> Report:
    """Checks `requirements.lock`, `requirements-dev.lock` and `pyproject.toml` below `root`."""
    runtime, everything = read_lock(root / RUNTIME), read_lock(root / ALL)
    problems = [
        *_check_text(root / RUNTIME),
        *_check_text(root / ALL),
        *_check_pins(RUNTIME, runtime),
        *_check_pins(ALL, everything),
        *_check_subset(runtime, everything),
        *_check_direct(root, runtime, everything),
    ]
    return Report(f"{len(runtime)} packages of the services, {len(everything)} with tools and tests", tuple(problems))


def _check_text(lock: Path) -> Iterator[str]:
    for number, line in enumerate(lock.read_text().splitlines(), 1):
        if "://" in line or line.startswith("-"):
            yield f"{lock.name}:{number} has an address or an option; the lock holds for any registry. {LOCK} without."
    for invalid in RequirementsFile.from_file(str(lock)).invalid_lines:
        yield f"{lock.name}:{invalid.line_number} can't be read as a requirement. {LOCK}."


def _check_pins(lock: str, entries: dict[str, InstallRequirement]) -> Iterator[str]:
    for name, entry in entries.items():
        if locked_version(entry) is None:
            yield f"{lock}: {name} must be pinned to one version by ==. {LOCK}."
        if not any(digest.startswith("sha256:") for digest in entry.hash_options):
            yield f"{lock}: {name} has no SHA-256. {LOCK}."


def _check_subset(runtime: dict[str, InstallRequirement], everything: dict[str, InstallRequirement]) -> Iterator[str]:
    for name, entry in runtime.items():
        version = locked_version(entry)
        tested = locked_version(everything[name]) if name in everything else None
        if tested != version:
            yield f"{name} is {version} in {RUNTIME}, but {tested or 'missing'} in {ALL}, which is tested. {LOCK}."


def _check_direct(
    root: Path, runtime: dict[str, InstallRequirement], everything: dict[str, InstallRequirement]
) -> Iterator[str]:
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project.get("optional-dependencies", {}).values() for line in lines]
    for lock, entries, lines in ((RUNTIME, runtime, project["dependencies"]), (ALL, everything, extras)):
        for wanted in map(Requirement, lines):
            entry = entries.get(canonicalize_name(wanted.name))
            version = locked_version(entry) if entry else None
            if version is None or not wanted.specifier.contains(version, prereleases=True):
                yield f"pyproject.toml wants {wanted}, but {lock} has {version or 'none'}. {LOCK}."
