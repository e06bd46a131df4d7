"""What docs/security.md names exists: each test, each place where an attack is stopped, and where each test runs."""

import ast
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
TESTS = CHECKOUT / "tests"
ROWS = [
    line.strip("| \n").split(" | ")
    for line in (CHECKOUT / "docs" / "security.md").read_text().partition("## Attacks and tests")[2].splitlines()
    if line.startswith("| ") and not line.startswith(("| attack", "| ---"))
]
assert ROWS, "docs/security.md has no table"
ROOTS = ("", "services", "services/run_engine", "services/run_engine/domain")
WITHOUT_BROKERS = r"local \((no Kafka|own stack)\)"
"""An attack that no broker takes part in, or one that stops or replaces the stack on which it happens."""


def named(row: list[str]) -> list[tuple[str, str]]:
    """Each file of tests/ that the row names, and the test of it that it names, if any."""
    return re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", row[1])


def run_on_the_secured_cluster() -> set[tuple[str, str]]:
    """Each local test that tests/secured imports, by its file and its name; the name `*` is that of a whole file."""
    found = set()
    for path in (TESTS / "secured").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tests."):
                file = node.module.removeprefix("tests.").replace(".", "/") + ".py"
                found |= {(file, name.name) for name in node.names if name.name == "*" or name.name[:5] == "test_"}
    return found


SECURED = run_on_the_secured_cluster()


def runs_secured(file: str, name: str) -> bool:
    taken = {taken for of, taken in SECURED if of == file}
    return file.startswith("secured/") or "*" in taken or (name in taken if name else bool(taken))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_the_tests_and_the_places_that_a_row_names_exist(row: list[str]) -> None:
    for path, name in named(row):
        source = (TESTS / path).read_text()
        assert f"def {name or 'test_'}" in source or (not name and "import test_" in source), (path, name)
    for path in re.findall(r"`([\w/-]+\.(?:py|yaml))`", row[2]):
        assert any((CHECKOUT / root / path).exists() for root in ROOTS), path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_a_row_says_where_its_tests_run(row: list[str]) -> None:
    files = [file for file, _ in named(row)]
    secured = any(runs_secured(file, name) for file, name in named(row))
    if secured:
        only = all(file.startswith("secured/") for file in files)
        assert row[3] == ("secured" if only else "local, secured")
    elif all(file.startswith("unit/") for file in files):
        assert row[3] == "unit"
    else:
        assert re.fullmatch(WITHOUT_BROKERS, row[3]), row[3]
