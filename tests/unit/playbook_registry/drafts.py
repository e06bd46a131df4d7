"""Drafts for the tests: the reference's, and small ones with one thing wrong."""

from typing import Any

from contracts.definitions import PlaybookDraft
from contracts.policies import DEFAULT_POLICIES
from services.playbook_registry.domain.validation import refusal
from tests.conformance.reference import Example, examples

CREATE = "/api/v1/playbooks"
EDGE_CASES = "Edge Cases and Validation Examples: "


def accepted_examples() -> list[Example]:
    """The reference's requests that create a playbook."""
    return [e for e in examples() if e.request.path == CREATE and not e.name.startswith(EDGE_CASES)]


def draft_of(example: Example) -> PlaybookDraft:
    return PlaybookDraft.model_validate(example.request.body["playbook"])


def draft(*steps: dict[str, Any], **fields: Any) -> PlaybookDraft:
    numbered = [{"name": f"Step {number}", "sequence": number, **step} for number, step in enumerate(steps, 1)]
    return PlaybookDraft.model_validate(
        {"name": "Test", "smart_code": "HERA.TEST.PLAYBOOK.SMALL.v1", "steps": numbered, **fields}
    )


def faults_of(playbook: PlaybookDraft) -> list[tuple[str, str]]:
    """Code and field of everything that is wrong."""
    rejection = refusal(playbook, DEFAULT_POLICIES)
    if rejection is None:
        return []
    single = [{"code": rejection.code.value, **rejection.details}]
    return [(e["code"], e.get("field", "")) for e in rejection.details.get("errors", single)]


def step_with(**condition: Any) -> dict[str, Any]:
    return {"conditions": {"pre": [condition]}}
