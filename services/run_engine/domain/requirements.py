"""What a step asks of its completion: post-conditions, form, documents, sections, lists, rejection criteria."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.values import Attachment
from services.run_engine.domain import timing
from services.run_engine.domain.checklists import open_items
from services.run_engine.domain.clear import cleared
from services.run_engine.domain.conditions import Facts
from services.run_engine.domain.copying import changed
from services.run_engine.domain.forms import documents_of, form_violations, is_empty, output_violations
from services.run_engine.domain.loose import items, mapping, text, texts
from services.run_engine.domain.rejection_criteria import rejected
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.sizes import written
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.violations import Violation, post_conditions, violation


def completion_violations(
    state: RunState,
    step: StepState,
    situation: Situation,
    data: Mapping[str, Any],
    attachments: list[Attachment],
    outcome: str,
) -> list[Violation]:
    """All that a completion with this data and these attachments would break. Earlier votes on the step count in."""
    metadata = situation.plan.by_id[step.step_id].definition.metadata
    known = {key: value for vote in step.approvals for key, value in vote.data.items()} | dict(data)
    with_votes, sent = cleared(known, situation.clear), cleared(data, situation.clear)
    documents = [a for vote in step.approvals for a in vote.attachments] + attachments
    found = promises_violated(state, step, situation, known, documents, outcome)
    found += form_violations(metadata, with_votes, documents, _here(step, situation), situation.contract_looks.patterns)
    found += _documents(metadata, with_votes, documents)
    found += _sections(metadata, with_votes)
    found += open_items(metadata, sent)
    found += _resolution(metadata, sent)
    found += rejected(metadata, sent)
    return _discreet(found, situation)


def _discreet(found: list[Violation], situation: Situation) -> list[Violation]:
    """Without the values of fields that are encrypted."""
    names = situation.plan.definition.encrypted_fields
    return [{**v, "actual_value": None} if v.get("field") in names else v for v in found] if names else found


def promises_violated(
    state: RunState,
    step: StepState,
    situation: Situation,
    data: Mapping[str, Any],
    attachments: list[Attachment],
    outcome: str = "success",
) -> list[Violation]:
    """What the step promises to those that follow: post-conditions and outputs, owed by people and machines alike."""
    definition, clear = situation.plan.by_id[step.step_id].definition, cleared(data, situation.clear)
    here, patterns = _here(step, situation), situation.contract_looks.patterns
    outputs = output_violations(definition.metadata, clear, attachments, here, patterns)
    return _post(state, step, situation, data, outcome) + outputs if definition.conditions.post else outputs


def _here(step: StepState, situation: Situation) -> datetime:
    """Now, where `today` is reckoned."""
    return timing.local(situation.plan.by_id[step.step_id], situation.now, situation.policies.calendars)


def _post(
    state: RunState, step: StepState, situation: Situation, data: Mapping[str, Any], outcome: str
) -> list[Violation]:
    done = changed(step, status="completed", data=dict(data), outcome=outcome)
    after = {**state.steps, step.step_id: done}
    facts = Facts({**state.data, **data}, state.context, after, situation.clear, situation.contract_looks)
    post = situation.plan.by_id[step.step_id].definition.conditions.post
    return post_conditions(post, facts, situation.plan.definition.encrypted_fields)


def _documents(metadata: Mapping[str, Any], data: Mapping[str, Any], attachments: list[Attachment]) -> list[Violation]:
    """Of `required_documents` and `deliverables`: each is handed in, as an attachment or in the data."""
    handed_in = documents_of(attachments)
    return [
        violation(rule, f"document {name}", None, document=name, reason="The document is missing")
        for rule in ("required_documents", "deliverables")
        for name in texts(metadata.get(rule))
        if name not in handed_in and is_empty(data.get(name))
    ]


def _sections(metadata: Mapping[str, Any], data: Mapping[str, Any]) -> list[Violation]:
    """Each section of a form is answered in the data; with nothing to tell, by an empty list or text."""
    names = [text(mapping(section).get("name")) or text(section) for section in items(metadata.get("sections"))]
    return [
        violation("sections", f"section {name}", None, field=name, reason="The section is not answered")
        for name in names
        if name is not None and data.get(name) is None
    ]


def _resolution(metadata: Mapping[str, Any], data: Mapping[str, Any]) -> list[Violation]:
    """A resolution that is told is one of `resolution_types`."""
    allowed, told = texts(metadata.get("resolution_types")), data.get("resolution_type")
    if not allowed or told is None or told in allowed:
        return []
    condition = f"one of {written(allowed)}"
    return [violation("resolution_types", condition, told, field="resolution_type", reason=f"It must be {condition}")]
