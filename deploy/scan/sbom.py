"""The bill of materials: CycloneDX, of everything that is fetched by a lock, with the locks' checksums."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from deploy.local.kafka import jars
from deploy.local.kafka.jars import Jar
from deploy.scan.locks import ALL, RUNTIME, read_lock
from deploy.scan.report import CHECKOUT, Report

SBOM = CHECKOUT / "build" / "sbom.json"  # not committed: it names the registry


def write_sbom(target: Path = SBOM) -> Report:
    """Writes the bill to `target`. What the services' image installs is `required`; the rest is `excluded` from it."""
    bill = make_sbom()
    text = json.dumps(bill, indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        return Report("", (f"is not valid by the schema of CycloneDX 1.6: {error}. Report it.",))
    target.parent.mkdir(exist_ok=True)
    target.write_text(text + "\n")
    required = sum(component["scope"] == "required" for component in bill["components"])
    return Report(f"{len(bill['components'])} components, {required} of them in the services' image")


def make_sbom() -> dict[str, Any]:
    """Returns the bill: the packages of both locks, and the jars of the local stack's Apache Kafka."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--pyproject", "pyproject.toml"]
    # Validated once, at the end: each takes seconds.
    command += ["--sv", "1.6", "--no-validate", "--output-reproducible", "--of", "JSON", ALL]
    bill: dict[str, Any] = json.loads(subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout)
    services = read_lock(CHECKOUT / RUNTIME)
    for component in bill["components"]:
        component["scope"] = "required" if canonicalize_name(component["name"]) in services else "excluded"
        component.pop("description", None)  # the lines of the lock once more
    bill["components"] += [_jar_component(jar) for jar in jars.read_lock()]
    return bill


def _jar_component(jar: Jar) -> dict[str, Any]:
    group, name, version = jar.coordinate.split(":")
    address = f"pkg:maven/{group}/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": address,
        "group": group,
        "name": name,
        "version": version,
        "purl": address,
        "hashes": [{"alg": "SHA-256", "content": jar.sha256}],
        "scope": "excluded",
    }
