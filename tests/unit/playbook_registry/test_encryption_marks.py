"""A secret is not stored in plaintext because `encrypted` is misspelled, or stands where nothing reads it."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.definitions import PlaybookDraft
from contracts.playbook_metadata import SHOWN, FormField, fields_of
from services.playbook_registry.domain.encryption_marks import faults, is_like_mark

REFERENCE = Path(__file__).parents[2] / "fixtures" / "reference"
METADATA = "steps[0].metadata"
FIELD = {"name": "ssn", "type": "text"}


def draft(step: dict[str, Any] | None = None, **more: Any) -> PlaybookDraft:
    steps = [{"name": "A", "sequence": 1, **(step or {})}]
    return PlaybookDraft.model_validate(
        {"name": "T", "smart_code": "HERA.TEST.PLAYBOOK.UNIT.v1", "steps": steps, **more}
    )


def places(sent: PlaybookDraft) -> list[str]:
    return [fault.details["field"] for fault in faults(sent)]


@pytest.mark.parametrize("kind", ["form_fields", "required_outputs"])
@pytest.mark.parametrize(
    "name",
    ["encryptd", "encypted", "Encrypted", "ENCRYPTED", "encrypt", "is_encrypted", "isEncrypted", "encrypted ",
     "encryption", "encripted", "encrypted_at_rest", "ecnrypted", "crypted"],
)  # fmt: skip
@pytest.mark.parametrize("value", [True, False, "yes"])
def test_refuses_a_field_whose_mark_is_misspelled(kind: str, name: str, value: Any) -> None:
    sent = draft({"metadata": {kind: [{"name": "other"}, {**FIELD, name: value}]}})
    assert places(sent) == [f"steps[0].metadata.{kind}[1].{name}"]


@pytest.mark.parametrize(
    "name", sorted({*SHOWN, *fields_of(FormField), "x_encrypted", "encoded", "accepted", "secret"})
)
def test_takes_other_names_as_they_are(name: str) -> None:
    assert name == "encrypted" or not is_like_mark(name)
    assert places(draft({"metadata": {"form_fields": [{**FIELD, name: True}]}})) == []


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (
            draft({"metadata": {"form_feilds": [{**FIELD, "encrypted": True}]}}),
            f"{METADATA}.form_feilds[0].encrypted",
        ),
        (
            draft({"metadata": {"form_fields": [{"name": "a", "fields": [{**FIELD, "encrypted": True}]}]}}),
            f"{METADATA}.form_fields[0].fields[0].encrypted",
        ),
        (
            draft({"metadata": {"sections": [{"name": "a", "encryptd": True}]}}),
            f"{METADATA}.sections[0].encryptd",
        ),
        (draft({"encrypted": True}), "steps[0].encrypted"),
        (draft(encrypted=True), "playbook.encrypted"),
        (draft(metadata={"form_fields": [{**FIELD, "encrypted": True}]}), "playbook.metadata.form_fields[0].encrypted"),
        (draft({"form_fields": [{**FIELD, "encrypted": True}]}), "steps[0].form_fields[0].encrypted"),
    ],
)
def test_refuses_a_mark_where_nothing_reads_it(sent: PlaybookDraft, place: str) -> None:
    assert places(sent) == [place]


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.json")), ids=lambda path: path.stem)
def test_takes_the_playbooks_of_the_reference(path: Path) -> None:
    assert list(faults(PlaybookDraft.model_validate(json.loads(path.read_text())))) == []
