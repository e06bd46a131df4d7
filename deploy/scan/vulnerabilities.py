"""Asks a database of vulnerabilities about the locked packages, where one can be reached."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.scan.locks import ALL, read_lock
from deploy.scan.report import CHECKOUT, Report

OSV_URL = "HERA_OSV_URL"
TIMEOUT_SECONDS = 40
"""For all packages. Where requests are dropped rather than refused, the scan must still end."""
SHOWN = 3


def find_vulnerabilities(lock: Path = CHECKOUT / ALL) -> Report:
    """Audits each package of `lock`, which holds those of the services too. Installs and resolves nothing."""
    expected = set(read_lock(lock))
    answer, reason = _ask(lock)
    audited = {entry["name"]: entry["vulns"] for entry in answer if "vulns" in entry}
    problems = [
        f"{name} {entry['version']} has {vulnerability['id']}; {_fixed(vulnerability)}"
        for entry in answer
        for name, vulnerability in ((entry["name"], found) for found in entry.get("vulns", []))
    ]
    missing = sorted(expected - set(audited))
    not_done = _not_audited(missing, len(expected), reason or _first_reason(answer)) if missing else ""
    return Report(f"{len(audited)} packages audited" if audited else "", tuple(problems), not_done)


def _ask(lock: Path) -> tuple[list[dict[str, Any]], str]:
    """Returns pip-audit's answer for each package, and why there is none."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    if address := os.environ.get(OSV_URL):
        command += ["--vulnerability-service", "osv", "--osv-url", address]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        return json.loads(ended.stdout)["dependencies"], ""
    except subprocess.TimeoutExpired:
        return [], f"no answer within {TIMEOUT_SECONDS} s"
    except ValueError:  # an error in place of an answer
        return [], (ended.stderr.strip().splitlines() or ["pip-audit says nothing"])[-1][:200]


def _first_reason(answer: list[dict[str, Any]]) -> str:
    return next((entry["skip_reason"] for entry in answer if "skip_reason" in entry), "no answer about them")


def _not_audited(missing: list[str], of: int, reason: str) -> str:
    names = f": {', '.join(missing[:SHOWN])}{' …' if len(missing) > SHOWN else ''}"
    return (
        f"{len(missing)} of {of} locked packages WERE NOT AUDITED for vulnerabilities{names} ({reason}). "
        f"Run `make scan` where PyPI can be reached, or set {OSV_URL} to a mirror of the OSV database"
    )


def _fixed(vulnerability: dict[str, Any]) -> str:
    versions = ", ".join(vulnerability["fix_versions"])
    if versions:
        return f"fixed in {versions}. Raise it in pyproject.toml and run `make lock`."
    return "no version fixes it. See what it needs to be reached, and take another package if it can be."
