"""The OpenAPI document describes all metadata that the engine reads."""

import re
from pathlib import Path
from typing import Any

import pytest

import services.run_engine
from contracts.playbook_metadata import PlaybookMetadata, SignalMetadata, StepMetadata, fields_of
from services.gateway.application import openapi_document

_READ = re.compile(r"(?:metadata|playbook)\)?\.get\(\"(\w+)\"")
SCHEMAS = openapi_document()["components"]["schemas"]


def test_whatever_the_engine_reads_is_described() -> None:
    sources = Path(services.run_engine.__file__).parent.rglob("*.py")
    read = {name for source in sources for name in _READ.findall(source.read_text())}
    assert {"form_fields", "approval_matrix", "auto_escalation"} <= read
    assert read <= fields_of(StepMetadata) | fields_of(PlaybookMetadata)


@pytest.mark.parametrize(
    ("body", "model"),
    [("StepDraft", StepMetadata), ("PlaybookDraft", PlaybookMetadata), ("Signal", SignalMetadata)],
)
def test_a_bodys_metadata_is_described_field_by_field(body: str, model: Any) -> None:
    assert SCHEMAS[body]["properties"]["metadata"] == {"$ref": f"#/components/schemas/{model.__name__}"}
    described = SCHEMAS[model.__name__]
    assert described["properties"].keys() == fields_of(model)
    assert described.get("additionalProperties", True) is True
    for name, field in described["properties"].items():
        assert {"anyOf", "type", "$ref", "description"} & field.keys(), name


WITH_EXAMPLES = ("FormField", "ApprovalOption", "StepMetadata", "PlaybookMetadata", "AutomationConfig", "CallAuth")


@pytest.mark.parametrize("model", WITH_EXAMPLES)
def test_descriptions_come_with_examples(model: str) -> None:
    assert any("examples" in field for field in SCHEMAS[model]["properties"].values())
