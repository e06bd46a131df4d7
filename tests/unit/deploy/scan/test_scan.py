"""The scan runs all of its parts, and fails if one of them found something."""

import sys

import pytest

from deploy.scan import __main__ as scan
from deploy.scan.report import Report

RIGHT = Report("looked at")
UNDONE = Report("", not_done="Nothing WAS LOOKED AT")
WRONG = Report("looked at", ("x.py:1 is wrong. Change it.",))


@pytest.mark.parametrize(("parts", "ends_with"), [([RIGHT, UNDONE], 0), ([WRONG, RIGHT], 1)])
def test_it_ends_with_1_where_something_was_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], parts: list[Report], ends_with: int
) -> None:
    monkeypatch.setattr(sys, "argv", ["scan"])
    monkeypatch.setattr(scan, "PARTS", {str(number): (lambda part=part: part) for number, part in enumerate(parts)})
    assert scan.main() == ends_with
    printed = capsys.readouterr()
    assert ("!!! Nothing WAS LOOKED AT !!!" in printed.out) == (UNDONE in parts)
    assert ("0: x.py:1 is wrong. Change it." in printed.err) == (WRONG in parts)
