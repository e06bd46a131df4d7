"""Runs told in three lines: given a playbook and what was done so far, when a command comes, then these events."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.calendars import NamedCalendar
from contracts.commands import Command, CompleteStep, FireTimer, RecordAutomationResult, StartRun
from contracts.definitions import PlaybookDefinition, PlaybookDraft, StepDefinition
from contracts.events import Event
from contracts.policies import DEFAULT_POLICIES, OrganizationPolicies
from contracts.rejections import Code, Rejection
from contracts.values import SYSTEM_CALLER, Caller
from services.run_engine.domain.decide import decide
from services.run_engine.domain.evolve import evolve
from services.run_engine.domain.lifecycle import RUN_TRANSITIONS, STEP_TRANSITIONS
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
ALICE = Caller(id="alice", permissions=("step:complete", "run:update"))
ADMIN = Caller(id="admin", permissions=("*",))
SILENT_AFTER_END = {"LateResultRecorded", "NotificationSent", "NotificationFailed", "EncryptedDataErased"}


def office(name: str = "default", revision: int = 3, **more: Any) -> NamedCalendar:
    """Nine to five in Berlin, Monday to Friday."""
    hours = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), ("09:00-17:00",))
    calendar = {"name": name, "revision": revision, "time_zone": "Europe/Berlin", "hours": hours}
    return NamedCalendar.model_validate(calendar | more)


IN_AN_OFFICE = OrganizationPolicies(calendars={"default": office()})


def somebody(name: str, *roles: str, permissions: tuple[str, ...] = ("step:complete",)) -> Caller:
    return Caller(id=name, roles=roles, permissions=permissions)


def playbook(*steps: dict[str, Any], **metadata: Any) -> PlaybookDefinition:
    """A definition of steps numbered from 1, named A, B, … unless they say otherwise."""
    numbered = [{"name": chr(64 + n), "sequence": n, **step} for n, step in enumerate(steps, 1)]
    return defined(PlaybookDraft.model_validate(
        {"name": "Test", "smart_code": "HERA.TEST.PLAYBOOK.UNIT.v1", "metadata": metadata, "steps": numbered}
    ))  # fmt: skip


def defined(draft: PlaybookDraft) -> PlaybookDefinition:
    ordered = sorted(draft.steps, key=lambda step: step.sequence)
    steps = [
        StepDefinition.model_validate({**step.model_dump(), "step_id": f"step_{number:03}"})
        for number, step in enumerate(ordered, 1)
    ]
    return PlaybookDefinition(
        playbook_id="pb_1", revision=1, organization_id="org_1", name=draft.name, smart_code=draft.smart_code,
        version=draft.version, metadata=draft.metadata, steps=steps, created_at=NOON, created_by="author",
    )  # fmt: skip


class Story:
    """A run, its events so far, and the answer to the last command. Every command checks what always holds."""

    def __init__(self, definition: PlaybookDefinition, policies: OrganizationPolicies = DEFAULT_POLICIES) -> None:
        self.definition = definition
        self.policies = policies
        self.now = NOON
        self.history: list[Event] = []
        self.run: RunState | None = None
        self.answer: list[Event] | Rejection = []
        self.clear: dict[tuple[str, str], Any] = {}
        """What encrypted values hold, by field and ciphertext."""

    @property
    def state(self) -> RunState:
        assert self.run is not None, self.answer
        return self.run

    def step(self, number: int) -> StepState:
        return self.state.steps[f"step_{number:03}"]

    @property
    def situation(self) -> Situation:
        return Situation(plan_of(self.definition), self.policies, self.now)

    def statuses(self) -> list[str]:
        return [step.status for step in self.state.steps.values()]

    def after(self, **span: float) -> "Story":
        self.now += timedelta(**span)
        return self

    def when(self, command: Command) -> "Story":
        self.answer = decide(self.run, self.definition, self.policies, command, self.now, self.clear)
        if not isinstance(self.answer, Rejection):
            for event in self.answer:
                self._fold(event)
            assert self.refolded() == self.run
        return self

    def _fold(self, event: Event) -> None:
        before, self.run = self.run, evolve(self.run, event)
        self.history.append(event)
        assert self.run.sequence == len(self.history)
        if "open_to" in type(event).model_fields:
            told: Any = event
            assert told.open_to == self.run.steps[told.step_id].open_to()
        if before is not None:
            check_transitions(before, self.run, event)

    def refolded(self) -> RunState | None:
        """The state made anew from all events."""
        state: RunState | None = None
        for event in self.history:
            state = evolve(state, event)
        return state

    def started(self, caller: Caller = ALICE, **more: Any) -> "Story":
        command = StartRun(caller=caller, run_id="run_1", organization_id="org_1", definition=self.definition, **more)
        return self.when(command)

    def completes(self, number: int, caller: Caller = ALICE, **more: Any) -> "Story":
        return self.when(CompleteStep(caller=caller, step_id=f"step_{number:03}", **more))

    def answers(self, number: int, outcome: str = "success", **more: Any) -> "Story":
        """The worker's answer to the step's job in flight."""
        job_id = self.step(number).job_id or "none"
        data = {"caller": SYSTEM_CALLER, "step_id": f"step_{number:03}", "job_id": job_id, "outcome": outcome, **more}
        return self.when(RecordAutomationResult.model_validate(data))

    def encrypted(self, value: Any, name: str = "ssn") -> dict[str, str]:
        """A value of the field of that name as it stands in commands, events and states."""
        ciphertext = f"ciphertext {len(self.clear)}"
        self.clear[name, ciphertext] = value
        return {"$encrypted": "aes-256-gcm", "key_id": "key_1", "nonce": "nonce", "ciphertext": ciphertext}

    def fires(self, timer_id: str) -> "Story":
        """The timer at its time, or now where the run no longer has it."""
        timer = self.state.timer(timer_id)
        self.now = max(self.now, timer.due_at) if timer is not None else self.now
        return self.when(FireTimer(caller=SYSTEM_CALLER, timer_id=timer_id))

    def then(self, *names: str) -> "Story":
        assert not isinstance(self.answer, Rejection), self.answer
        assert [type(event).__name__ for event in self.answer] == list(names)
        return self

    def refused(self, code: Code, text: str = "") -> Rejection:
        assert isinstance(self.answer, Rejection), self.answer
        assert self.answer.code == code, self.answer
        assert text in self.answer.message, self.answer.message
        return self.answer

    def event(self, name: str) -> Any:
        """The last event of that name in the last answer."""
        assert not isinstance(self.answer, Rejection), self.answer
        return [event for event in self.answer if type(event).__name__ == name][-1]

    def violations(self) -> list[dict[str, Any]]:
        details = self.refused(Code.CONTRACT_VALIDATION_FAILED).details
        found: list[dict[str, Any]] = details.get("errors", [details["contract_violation"]])
        return found


def check_transitions(before: RunState, after: RunState, event: Event) -> None:
    """No status changes but along the tables, and nothing changes in a run that has completed or was cancelled."""
    name = type(event).__name__
    assert after.status == before.status or after.status in RUN_TRANSITIONS[before.status], (before.status, event)
    for step_id, step in after.steps.items():
        was = before.steps[step_id]
        if step.status != was.status:
            assert step.status in STEP_TRANSITIONS[was.status], (step_id, was.status, step.status, event)
    if before.status in ("completed", "cancelled"):
        assert name in SILENT_AFTER_END, event
    if name in SILENT_AFTER_END:
        untouched = (f.name for f in fields(before) if f.name not in ("sequence", "updated_at", "erased_keys"))
        assert all(getattr(before, field) is getattr(after, field) for field in untouched)


def trial(*steps: dict[str, Any], start: dict[str, Any] | None = None, **metadata: Any) -> Story:
    """A run of these steps that has started."""
    return Story(playbook(*steps, **metadata)).started(**(start or {}))
