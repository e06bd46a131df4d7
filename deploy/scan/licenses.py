"""Whether the services' packages, as installed, are under licenses that this project may be shipped with."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from deploy.scan.locks import RUNTIME, read_lock
from deploy.scan.report import CHECKOUT, Report

ALLOWED = {
    *("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0"),
    "MPL-2.0",  # its terms stay with its own files, which are used as they are
    # Names from before SPDX, as packages still declare them.
    *("Apache Software License", "Apache 2.0", "Apache 2", "BSD License", "3-Clause BSD License", "MIT License"),
    *("Mozilla Public License 2.0 (MPL 2.0)", "Python Software Foundation License"),
}


def check_licenses(lock: Path = CHECKOUT / RUNTIME) -> Report:
    """Compares what each package of `lock` declares with the allowed licenses. All that it names must be allowed."""
    names = sorted(read_lock(lock))
    problems = [problem for name in names if (problem := _check(name))]
    return Report(f"{len(names)} packages of the services", tuple(problems))


def declared_licenses(package: Distribution) -> set[str]:
    """Returns the names of the licenses: of the SPDX expression, else of the classifiers, else the field's text."""
    if expression := _field(package, "License-Expression"):
        return set(re.findall(r"[\w.+-]+", expression)) - {"AND", "OR", "WITH"}
    lines = package.metadata.get_all("Classifier", [])
    classifiers = {line.split(" :: ")[-1] for line in lines if line.startswith("License")}
    return classifiers - {"OSI Approved"} or {_field(package, "License")} - {""}


def _field(package: Distribution, name: str) -> str:
    values: list[str] = package.metadata.get_all(name, [""])
    return values[0].strip()


def _check(name: str) -> str | None:
    try:
        declared = declared_licenses(distribution(name))
    except PackageNotFoundError:
        return f"{name} is not installed, so its license is unknown. Run `make .venv`."
    if declared and declared <= ALLOWED:
        return None
    named = ", ".join(sorted(declared - ALLOWED)) or "no license"
    return f"{name} declares {named[:80]}. Take another package, or allow it in deploy/scan/licenses.py once approved."
