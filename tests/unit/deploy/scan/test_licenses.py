"""Packages of the services under a license that was not approved are named."""

from pathlib import Path

import pytest

from deploy.scan.licenses import check_licenses


def _check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *fields: str) -> str:
    package = tmp_path / "made_up-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("\n".join(("Metadata-Version: 2.4", "Name: made-up", "Version: 1.0", *fields)))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "lock").write_text("made-up==1.0\n")
    return "\n".join(check_licenses(tmp_path / "lock").problems)


@pytest.mark.parametrize(
    "fields",
    [
        ("License-Expression: MIT AND (Apache-2.0 OR BSD-3-Clause)",),
        ("License: Dual License", "Classifier: License :: OSI Approved :: BSD License"),
        ("License: MIT", "Classifier: License :: OSI Approved"),
    ],
)
def test_allowed_licenses_are_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: tuple[str, ...]) -> None:
    assert not _check(tmp_path, monkeypatch, *fields)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("License-Expression: MIT AND AGPL-3.0-only", "made-up declares AGPL-3.0-only."),
        ("Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)", "declares GNU General Public"),
        ("License: Proprietary", "made-up declares Proprietary."),
        ("Summary: says nothing", "made-up declares no license."),
    ],
)
def test_others_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, said: str) -> None:
    assert said in _check(tmp_path, monkeypatch, field)


def test_a_package_that_is_not_installed_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("nowhere-to-be-found==1.0\n")
    assert "is not installed" in check_licenses(tmp_path / "lock").problems[0]
