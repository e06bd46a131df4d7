"""What docs/security.md names exists: each test, and each place where an attack is stopped."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ROWS = [
    line.strip("| \n").split(" | ")
    for line in (CHECKOUT / "docs" / "security.md").read_text().partition("## Attacks and tests")[2].splitlines()
    if line.startswith("| ") and not line.startswith(("| attack", "| ---"))
]
assert ROWS, "docs/security.md has no table"
ROOTS = ("", "services", "services/run_engine", "services/run_engine/domain")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_the_tests_and_the_places_that_a_row_names_exist(row: list[str]) -> None:
    _, tests, places = row
    for path, name in re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", tests):
        source = (CHECKOUT / "tests" / path).read_text()
        assert f"def {name or 'test_'}" in source, (path, name)
    for path in re.findall(r"`([\w/-]+\.(?:py|yaml))`", places):
        assert any((CHECKOUT / root / path).exists() for root in ROOTS), path
