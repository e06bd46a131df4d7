"""What a step asks of its completion besides the form: documents, checklist, rejection criteria."""

from collections.abc import Mapping
from typing import Any

from contracts.values import Attachment
from services.run_engine.domain.conditions import Facts
from services.run_engine.domain.copying import changed
from services.run_engine.domain.forms import attached, encrypted_fields, form_violations, output_violations
from services.run_engine.domain.loose import is_number, items, mapping, texts
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.violations import Violation, post_conditions, violation


def completion_violations(
    state: RunState,
    step: StepState,
    situation: Situation,
    data: Mapping[str, Any],
    attachments: list[Attachment],
) -> list[Violation]:
    """All that a completion with this data and these attachments would break. Earlier votes on the step count in."""
    planned = situation.plan.by_id[step.step_id]
    metadata = planned.definition.metadata
    with_votes = {key: value for vote in step.approvals for key, value in vote.data.items()} | dict(data)
    documents = [a for vote in step.approvals for a in vote.attachments] + attachments
    found = promises_violated(state, step, planned, with_votes, documents)
    found += form_violations(metadata, with_votes, situation.now)
    found += _documents(metadata, with_votes, documents)
    found += _checklist(metadata, data)
    return found + _rejection_criteria(metadata, data)


def promises_violated(
    state: RunState, step: StepState, planned: PlannedStep, data: Mapping[str, Any], attachments: list[Attachment]
) -> list[Violation]:
    """What the step promises to those that follow: post-conditions and outputs, owed by people and machines alike."""
    metadata, post = planned.definition.metadata, planned.definition.conditions.post
    outputs = output_violations(metadata, data, attachments) if metadata.get("required_outputs") else []
    return _post(state, step, planned, data) + outputs if post else outputs


def _post(state: RunState, step: StepState, planned: PlannedStep, data: Mapping[str, Any]) -> list[Violation]:
    after = {**state.steps, step.step_id: changed(step, status="completed", data=dict(data))}
    facts = Facts({**state.data, **data}, state.context, after)
    return post_conditions(planned.definition.conditions.post, facts, encrypted_fields(planned.definition.metadata))


def _documents(metadata: Mapping[str, Any], data: Mapping[str, Any], attachments: list[Attachment]) -> list[Violation]:
    return [
        violation("required_documents", f"document {name}", None, document=name, reason="The document is missing")
        for name in texts(metadata.get("required_documents"))
        if not attached(name, attachments) and data.get(name) in (None, "")
    ]


def _checklist(metadata: Mapping[str, Any], data: Mapping[str, Any]) -> list[Violation]:
    """Of a completion that sends a checklist: the items that it leaves open."""
    sent = data.get("task_checklist")
    if sent is None:
        return []
    done = _done(sent)
    return [
        violation("task_checklist", f"{item} is done", None, item=item, reason="The item is not checked off")
        for item in texts(metadata.get("task_checklist"))
        if item not in done
    ]


_DONE_MARKS = ("completed", "done", "checked")


def _done(sent: Any) -> set[str]:
    """Items checked off: `["a"]`, `{"a": true}` or `[{"item": "a", "completed": true}]`."""
    if isinstance(sent, dict):
        return {item for item, mark in sent.items() if mark is True}
    marked = {
        str(entry.get("item", entry.get("name")))
        for entry in items(sent)
        if isinstance(entry, dict) and any(entry.get(mark) is True for mark in _DONE_MARKS)
    }
    return marked | set(texts(sent))


def _rejection_criteria(metadata: Mapping[str, Any], data: Mapping[str, Any]) -> list[Violation]:
    """`max_<x>` and `min_<x>` bound a count in the data, `<x>_auto_fail` forbids that there is any."""
    found = []
    for name, limit in mapping(metadata.get("rejection_criteria")).items():
        if name.endswith("_auto_fail") and limit is True:
            found += _forbidden(name, name.removesuffix("_auto_fail"), data)
        elif name.startswith(("max_", "min_")) and is_number(limit):
            found += _bounded(name, limit, data)
    return found


def _count(subject: str, data: Mapping[str, Any]) -> tuple[str, Any, float] | None:
    """The field that tells of the subject, with its value and how many that are."""
    one = subject.removesuffix("s")
    names = (subject, one, f"{one}s", f"total_{one}s", f"{one}_count", f"{one}s_count", f"{one}s_found", f"has_{one}")
    for name in names:
        value = data.get(name)
        if isinstance(value, list):
            return name, value, len(value)
        if is_number(value) or isinstance(value, bool):
            return name, value, value
    return None


def _forbidden(rule: str, subject: str, data: Mapping[str, Any]) -> list[Violation]:
    counted = _count(subject, data)
    if counted is None or counted[2] <= 0:
        return []
    field, value, _ = counted
    return [
        violation("rejection_criteria", f"{field} = 0", value, field=field, criterion=rule, reason="It must be none")
    ]


def _bounded(rule: str, limit: float, data: Mapping[str, Any]) -> list[Violation]:
    counted = _count(rule[4:], data)
    if counted is None:
        return []
    field, value, count = counted
    least = rule.startswith("min_")
    if count >= limit if least else count <= limit:
        return []
    condition = f"{field} {'>=' if least else '<='} {limit}"
    word = "least" if least else "most"
    reason = f"It must be at {word} {limit}"
    return [violation("rejection_criteria", condition, value, field=field, criterion=rule, reason=reason)]
