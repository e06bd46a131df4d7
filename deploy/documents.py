"""Writes the documents that are made of the code: `python -m deploy.documents`."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from contracts.envelope import Envelope
from contracts.registry import ENVELOPED, PLAIN, version_of
from deploy.acls import acls, commands
from deploy.events_table import events_table
from deploy.monitoring_manifests import dashboard_config_map, prometheus_rule
from deploy.permissions_table import permissions_table
from deploy.status_table import status_table
from services.gateway.application import asyncapi_document, openapi_document

CLIENT_TYPES = Path("deploy/client/shapes.py")
CHECKOUT = Path(__file__).resolve().parents[1]
SCHEMAS = Path("contracts/schemas")
STATUSES = Path("docs/statuses.md")
PERMISSIONS = Path("docs/permissions.md")
EVENTS = Path("docs/events.md")
PROMETHEUS_RULE = Path("deploy/kubernetes/monitoring/prometheus-rule.yaml")
KAFKA_ACLS = Path("deploy/kafka-acls.sh")
DASHBOARD = Path("deploy/kubernetes/monitoring/dashboard.yaml")


def documents() -> dict[Path, bytes]:
    """All documents, by their path in the checkout."""
    made = {
        Path("docs/api/openapi.json"): openapi_document(),
        Path("docs/api/asyncapi.json"): asyncapi_document(),
        SCHEMAS / "Envelope.v1.json": _schema(Envelope),
    }
    for name, (payload, _) in {**ENVELOPED, **PLAIN}.items():
        made[SCHEMAS / f"{name}.v{version_of(payload)}.json"] = _schema(payload)
    texts = {CLIENT_TYPES: client_types(), STATUSES: status_table().encode()}
    texts |= {PERMISSIONS: permissions_table().encode(), EVENTS: events_table().encode()}
    texts |= {PROMETHEUS_RULE: prometheus_rule().encode(), DASHBOARD: dashboard_config_map().encode()}
    texts[KAFKA_ACLS] = commands(acls({})).encode()
    return {path: _text(document) for path, document in made.items()} | texts


@cache
def client_types() -> bytes:
    """The shapes of the OpenAPI document as typed dicts, which are plain dicts at run time."""
    command = [
        *(sys.executable, "-m", "datamodel_code_generator", "--input-file-type", "openapi"),
        *("--openapi-scopes", "schemas", "--output-model-type", "typing.TypedDict", "--disable-timestamp"),
        *("--target-python-version", "3.11", "--enum-field-as-literal", "all", "--formatters", "ruff-format"),
        *("--use-schema-description", "--use-field-description", "--use-union-operator", "--use-standard-collections"),
        *("--custom-file-header", '"""Made of the OpenAPI document by `make schemas`: what goes out and comes in."""'),
    ]
    tools = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    document = _text(openapi_document())
    done = subprocess.run(command, input=document, cwd=CHECKOUT, env=tools, stdout=subprocess.PIPE, check=True)
    made = done.stdout.decode()
    made = made.replace(", closed=True", "").replace("from typing_extensions import TypedDict\n", "")
    return made.replace("from typing import Any", "from typing import TypedDict, Any").encode()


def stale(root: Path = CHECKOUT) -> list[Path]:
    """Documents that are missing or differ from what the code says now."""
    return [
        path for path, text in documents().items() if not (root / path).exists() or (root / path).read_bytes() != text
    ]


def write(root: Path = CHECKOUT) -> None:
    for path, text in documents().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text)


def _schema(payload: Any) -> dict[str, Any]:
    schema: dict[str, Any] = payload.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _text(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> int:
    write()
    print(f"Wrote {len(documents())} documents.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
