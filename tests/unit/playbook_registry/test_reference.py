"""The reference's playbooks are accepted, its error examples come out word for word."""

import pytest

from contracts.definitions import PlaybookDraft
from contracts.policies import DEFAULT_POLICIES
from services.playbook_registry.domain.validation import refusal
from tests.conformance.reference import Example, example
from tests.unit.playbook_registry.drafts import EDGE_CASES, accepted_examples, draft_of


def test_the_reference_shows_five_playbooks() -> None:
    assert len(accepted_examples()) == 5


@pytest.mark.parametrize("shown", accepted_examples(), ids=lambda e: e.name)
def test_accepts_the_playbook_of_the_reference(shown: Example) -> None:
    assert refusal(draft_of(shown), DEFAULT_POLICIES) is None


@pytest.mark.parametrize("case", ["Invalid Smart Code", "Policy Violation", "Circular Step Dependencies"])
def test_refuses_word_for_word_as_the_reference(case: str) -> None:
    shown = example(EDGE_CASES + case)
    rejection = refusal(draft_of(shown), DEFAULT_POLICIES)
    assert rejection is not None
    assert rejection.model_dump(mode="json") == shown.responses[0]["error"]


def test_refuses_a_step_smart_code_word_for_word_as_the_reference() -> None:
    create = example("Create Playbook with Inlined Steps: Request")
    body = create.request.body["playbook"]
    first, *others = body["steps"]
    wrong = {**body, "steps": [{**first, "smart_code": "HERA.CRM.STEP.INVALID"}, *others]}
    rejection = refusal(PlaybookDraft.model_validate(wrong), DEFAULT_POLICIES)
    assert rejection is not None
    assert rejection.model_dump(mode="json") == create.responses[1]["error"]
