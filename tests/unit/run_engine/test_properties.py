"""Random playbooks under random commands: nothing raises, and what always holds holds after every command."""

from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contracts.commands import (
    CancelRun,
    ClaimStep,
    Command,
    CompleteStep,
    EscalateStep,
    FireTimer,
    PauseRun,
    ReassignStep,
    ReceiveEvent,
    RecordAutomationResult,
    RecordNotification,
    ReleaseStep,
    ResumeRun,
    RetryStep,
    SignalCommand,
    SkipStep,
    UpdateData,
)  # fmt: skip
from contracts.policies import DEFAULT_POLICIES, OrganizationPolicies
from contracts.rejections import Rejection
from contracts.values import Caller
from services.run_engine.domain.conditions import Facts, unmet
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.state import RunState
from services.run_engine.domain.views import completion_view, run_view, signal_view, step_view, waiting_view
from tests.unit.run_engine.story import IN_AN_OFFICE, Story, playbook

STORED: TypeAdapter[RunState] = TypeAdapter(RunState)
CALLERS = (
    Caller(id="u1", roles=("r1",), permissions=("step:complete",)),
    Caller(id="u2", roles=("r1", "r2"), permissions=("step:complete", "run:update", "step:skip")),
    Caller(id="u3", permissions=("step:complete",)),
    Caller(id="root", permissions=("*",)),
)
ALWAYS = {"starts_at": "2000-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"}
WITH_RULES = OrganizationPolicies.model_validate({
    "role_order": {"roles": ["r1", "r2", "r3"], "higher_may_act": [{"step_type": "task"}]},
    "segregation_of_duties": {"rules": [
        {"type": "separate_steps", "name": "apart", "steps": [{"step_type": "approval"}, {"step_type": "form"}]},
        {"type": "four_eyes", "name": "not one's own", "steps": [{"name": "B"}], "run_starter": True},
    ]},
    "step_roles": {"required_at": [{"step_type": "approval"}]},
    "delegations": {
        "d1": {"delegator": "u1", "substitute": "u3", "delegator_roles": ["r1"], **ALWAYS},
        "d2": {"delegator": "u2", "substitute": "u1", "roles": ["r2"], **ALWAYS},
    },
})  # fmt: skip
VALUES = [-1, 0, 1, 2, 3, 1.5, "a", "2024-01-01", "", None, True]
values = st.sampled_from(VALUES)
data = st.dictionaries(st.sampled_from(["x", "y", "severity"]), values, max_size=2)


@st.composite
def conditions(draw: st.DrawFn, sequence: int) -> dict[str, Any]:
    on_field = st.fixed_dictionaries({
        "field": st.sampled_from(["x", "steps.step_001.y", "steps.step_002.status", "context.z", "x.deep"]),
        "operator": st.sampled_from(["=", "!=", ">", "<=", "exists", "not_exists", "in", "contains", "matches"]),
        "value": values,
    })  # fmt: skip
    forms: list[st.SearchStrategy[dict[str, Any]]] = [on_field]
    if sequence > 1:
        status = st.sampled_from(["completed", "skipped", "failed", "in_progress"])
        forms.append(st.fixed_dictionaries({"step": st.integers(1, sequence - 1), "status": status}))
    simple = st.one_of(*forms)
    group = st.fixed_dictionaries(
        {"operator": st.sampled_from(["and", "or", "not"]), "conditions": st.lists(simple, max_size=2)}
    )
    pre = draw(st.lists(st.one_of(simple, group), max_size=2))
    unmet = draw(st.sampled_from([None, "skip", "block", "fail"]))
    return {"pre": pre, "on_unmet": unmet, "post": draw(st.lists(on_field, max_size=1))}


@st.composite
def step(draw: st.DrawFn, sequence: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["task", "form", "approval", "automated"]))
    plain = st.booleans()
    made: dict[str, Any] = {
        "sequence": sequence, "step_type": kind, "is_required": draw(plain), "parallel_allowed": draw(plain),
        "assignee_roles": draw(st.sampled_from([[], ["r1"], ["r1", "r2"]])),
        "timeout_minutes": draw(st.sampled_from([None, 5])), "metadata": {},
    }  # fmt: skip
    if draw(st.integers(0, 3)) == 3:
        made["conditions"] = draw(conditions(sequence))
    if kind == "automated":
        made["automation_config"] = draw(st.fixed_dictionaries({
            "retry_attempts": st.integers(0, 2), "fallback_to_manual": plain,
            "timeout_seconds": st.sampled_from([None, 10]),
        }))  # fmt: skip
    made["metadata"] = draw(metadata(kind, sequence))
    return made


@st.composite
def metadata(draw: st.DrawFn, kind: str, sequence: int) -> dict[str, Any]:
    options = [
        {"action": "reject"},
        {"action": "back", "return_to_step": 1},
        {"action": "on", "next_step": sequence + 2},
    ]
    choices: list[dict[str, Any]] = [{}, {"on_timeout": "fail"}, {"on_timeout": "skip"}]
    choices.append({"escalation": {"after_hours": 1, "escalate_to": ["r2"]}})
    choices.append({"reminders": [{"before_minutes": 2}, {"before_hours": 1}], "response_sla": {"a": 3}})
    choices.append({"form_fields": [{"name": "x", "type": "number", "required": True, "max": 2}]})
    if kind == "approval":
        choices.append({"approval_options": options})
        choices.append({"voting_threshold": 0.6, "committee_size": 2})
        choices.append({"approval_matrix": {"under_2": ["r1"], "over_2": ["r1", "r2"]}, "amount_field": "x"})
        choices.append({"approval_options": options, "voting_threshold": 0.5, "committee_size": 3})
    return draw(st.sampled_from(choices))


@st.composite
def playbooks(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [draw(step(sequence)) for sequence in range(1, draw(st.integers(1, 8)) + 1)]


OUTCOMES = ("success",) * 6 + ("approve", "approve", "reject", "failure", "back", "on", "nonsense")
COMMANDS: dict[type[Command], int] = {
    CompleteStep: 30, RecordAutomationResult: 15, FireTimer: 6, UpdateData: 2, ReceiveEvent: 2, PauseRun: 2,
    ResumeRun: 8, SkipStep: 2, RetryStep: 5, EscalateStep: 1, ReassignStep: 1, RecordNotification: 1, CancelRun: 1,
    ClaimStep: 2, ReleaseStep: 1,
}  # fmt: skip


def command(chance: Random, story: Story) -> Command:
    """Something that may come to the run now; mostly what makes it go on."""
    kind = chance.choices(list(COMMANDS), list(COMMANDS.values()))[0]
    sender = chance.choice(CALLERS)
    details = _details(kind, chance, story)
    if issubclass(kind, SignalCommand):
        details = {"signal_id": "s", "reason": chance.choice([None, "why"]), **details}
    return kind.model_validate({"caller": sender.model_dump(), **details})


def _details(kind: type[Command], chance: Random, story: Story) -> dict[str, Any]:
    some = {name: chance.choice(VALUES) for name in ("x", "y", "severity") if chance.random() < 0.4}
    anywhere = {"step_id": chance.choice(list(story.state.steps))}
    if kind is CompleteStep:
        users = chance.choice([["u1"], ["u1", "u3"]])
        to = {chance.choice(list(story.state.steps)): users} if chance.random() < 0.1 else {}
        outcome = chance.choice(OUTCOMES)
        return {
            "step_id": _open(chance, story, "manual"),
            "outcome": outcome,
            "data": some,
            "next_step_assignments": to,
        }
    if kind is RecordAutomationResult:
        step_id = _open(chance, story, "automated")
        job = story.state.steps[step_id].job_id or "run_1:step_001:1:1"
        result = {"outcome": chance.choice(["success", "failure"]), "retryable": chance.random() < 0.7}
        return {"step_id": step_id, "job_id": job, "data": some, **result}
    if kind is FireTimer:
        return {"timer_id": _due(chance, story)}
    if kind is PauseRun:
        return {"pause_until": chance.choice([None, story.now + timedelta(days=1)])}
    by_kind: dict[type[Command], dict[str, Any]] = {
        ClaimStep: anywhere, ReleaseStep: anywhere,
        UpdateData: {"data": some}, ReceiveEvent: {"name": "happened", "data": some},
        EscalateStep: {"escalate_to": ["r3"], **anywhere}, ReassignStep: {"assignee": "u1", **anywhere},
        RecordNotification: {"recipient": "u1", "notification_type": "t", "channel": "email"},
        SkipStep: chance.choice([{}, anywhere]), RetryStep: chance.choice([{}, anywhere]),
    }  # fmt: skip
    return by_kind.get(kind, {})


def _open(chance: Random, story: Story, mode: str) -> str:
    """A step of that mode that is open, where there is one; now and then any step."""
    steps = list(story.state.steps.values())
    fitting = [step for step in steps if step.is_open and step.execution_mode == mode]
    return chance.choice(fitting if fitting and chance.random() < 0.9 else steps).step_id


def _due(chance: Random, story: Story) -> str:
    """A timer of the run, with the clock put to its time; where it has none, one that is gone."""
    if not story.state.timers:
        return "overdue:step_001:1"
    timer = chance.choice(story.state.timers)
    story.now = max(story.now, timer.due_at)
    return timer.timer_id


@settings(max_examples=80)
@given(playbooks(), data, st.integers(0, 2**32))
def test_whatever_comes_the_run_stays_sound(steps: list[dict[str, Any]], start: dict[str, Any], seed: int) -> None:
    chance = Random(seed)
    policies = chance.choice([DEFAULT_POLICIES, IN_AN_OFFICE, WITH_RULES])
    definition = playbook(*steps, sla_hours=24, auto_escalation=True, reminders=[{"before_hours": 2}])
    story = Story(definition, policies).started(CALLERS[0], initial_data=start)
    for _ in range(40):
        if story.state.status in ("completed", "cancelled") and chance.random() < 0.3:
            break
        before, sent = story.state, command(chance, story.after(minutes=chance.randint(0, 90)))
        story.when(sent)
        if not isinstance(story.answer, Rejection):
            read_everything(story, before, sent)
    assert STORED.validate_python(STORED.dump_python(story.state)) == story.state


def read_everything(story: Story, before: RunState, sent: Command) -> None:
    assert not isinstance(story.answer, Rejection)
    run_view(story.state, plan_of(story.definition))
    plan = plan_of(story.definition)
    for step_id, step in story.state.steps.items():
        step_view(story.state, step, plan.by_id[step_id])
    for step in story.state.steps.values():
        if step.status == "blocked" and story.state.status in ("active", "blocked"):
            assert unmet(plan.by_id[step.step_id].pre, Facts.of(story.state)), step
    waits = waiting_view(story.state, story.situation)["waits_for"]
    assert bool(waits) == (story.state.status not in ("completed", "cancelled"))
    if isinstance(sent, CompleteStep):
        completion_view(story.state, story.situation, sent.step_id, story.answer, sent.caller)
    elif isinstance(sent, SignalCommand):
        signal_view(before, story.state, sent, story.answer)
    assert_never_stuck(story.state)


def assert_never_stuck(state: RunState) -> None:
    """An active run has work in progress; a blocked one has none, and says at which steps."""
    working = any(step.status == "in_progress" for step in state.steps.values())
    blocked = any(step.status == "blocked" for step in state.steps.values())
    assert {"active": working, "blocked": not working and blocked}.get(state.status, not working), state
    failed = any(step.status == "failed" and step.is_required for step in state.steps.values())
    assert not failed or state.status in ("failed", "paused", "cancelled"), state
    assert all(timer.step_id is None or state.steps[timer.step_id].is_open for timer in state.timers)
    assert state.ended_at is None or not (state.timers or state.stopped_timers)
