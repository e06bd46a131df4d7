"""What a user left out is still left out when the command arrives."""

from contracts.commands import CreatePlaybook
from contracts.definitions import PlaybookDraft
from contracts.values import Caller


def test_a_draft_crosses_the_wire_as_it_was_sent() -> None:
    condition = {"field": "amount", "operator": "exists"}
    steps = [
        {"name": "A", "sequence": 1, "conditions": {"pre": [condition]}, "house_rule": 7},
        {"name": "B", "sequence": 1, "parallel_allowed": False},
    ]
    sent = {"name": "P", "smart_code": "HERA.CRM.PLAYBOOK.AA.BB.v1", "steps": steps, "colour": "blue"}
    command = CreatePlaybook(
        caller=Caller(id="user_1"),
        playbook_id="pb_1",
        organization_id="org_1",
        draft=PlaybookDraft.model_validate(sent),
    )
    wire = command.model_dump(mode="json")
    assert wire["draft"] == sent
    arrived = CreatePlaybook.model_validate(wire).draft
    assert arrived == command.draft
    assert "parallel_allowed" not in arrived.steps[0].model_fields_set
    assert "parallel_allowed" in arrived.steps[1].model_fields_set
    assert "value" not in arrived.steps[0].conditions.pre[0].model_fields_set
