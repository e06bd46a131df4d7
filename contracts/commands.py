"""Commands: what somebody wants to happen. The Kafka key (run id or playbook id) says to what."""

from typing import Any, ClassVar, Literal

from pydantic import Field, field_serializer

from contracts.definitions import PlaybookDefinition, PlaybookDraft
from contracts.values import Attachment, Caller, Contract, Moment


class Command(Contract):
    """Base of every command."""

    VERSION: ClassVar[int] = 1
    caller: Caller


class CreatePlaybook(Command):
    playbook_id: str
    organization_id: str
    draft: PlaybookDraft

    @field_serializer("draft")
    def _as_sent(self, draft: PlaybookDraft) -> dict[str, Any]:
        """Without defaults: the registry must tell what was said from what was left out."""
        return draft.model_dump(mode="json", exclude_unset=True)


class PlaybookChange(Command):
    """Base of commands to a playbook that is there."""

    playbook_id: str
    organization_id: str
    if_match: str | None = Field(default=None, max_length=200)
    """An `If-Match` header: the change is made only if the playbook's ETag is one of these."""


class RevisePlaybook(PlaybookChange):
    """The draft becomes the next revision."""

    draft: PlaybookDraft

    @field_serializer("draft")
    def _as_sent(self, draft: PlaybookDraft) -> dict[str, Any]:
        return draft.model_dump(mode="json", exclude_unset=True)


class ArchivePlaybook(PlaybookChange):
    """It starts no more runs."""


class RestorePlaybook(PlaybookChange):
    """An archived one starts runs again."""


class DeletePlaybook(PlaybookChange):
    """It is shown no more. Its revisions stay, for the runs that were pinned to them."""


class StartRun(Command):
    """Carries the pinned definition, so that the engine has to ask nobody."""

    run_id: str
    organization_id: str
    definition: PlaybookDefinition
    smart_code: str | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    initial_data: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)


class CompleteStep(Command):
    step_id: str
    outcome: str = "success"
    """`success`, `failure`, or an action of the step's approval options."""
    completed_by: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    attachments: list[Attachment] = Field(default_factory=list)
    next_step_assignments: dict[str, list[str]] = Field(default_factory=dict)


class ClaimStep(Command):
    """The caller takes a step that is offered to several."""

    step_id: str


class ReleaseStep(Command):
    """Its assignee gives it back to those whose roles it asks for."""

    step_id: str
    reason: str | None = None


class UpdateData(Command):
    data: dict[str, Any]
    metadata: dict[str, Any] = Field(default_factory=dict)
    priority: str | None = None
    if_match: str | None = Field(default=None, max_length=200)
    """An `If-Match` header; a run's ETag is its version."""


class EraseEncryptedData(Command):
    """The run's encrypted values are to be readable no more: `key_ids` are the keys that will be destroyed."""

    key_ids: list[str]
    reason: str | None = None


class SignalCommand(Command):
    """Base of the signals: commands to a run that come by REST and on `playbook.signals` alike."""

    signal_id: str
    reason: str | None = None
    issued_by: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class PauseRun(SignalCommand):
    pause_until: Moment | None = None


class ResumeRun(SignalCommand):
    pass


class CancelRun(SignalCommand):
    pass


class RetryStep(SignalCommand):
    step_id: str | None = None
    """The failed step; may be left out where only one has failed."""


class SkipStep(SignalCommand):
    step_id: str | None = None
    """May be left out where only one step is open."""


class EscalateStep(SignalCommand):
    step_id: str | None = None
    escalate_to: list[str] = Field(default_factory=list)
    """Roles that are added to those who may act."""
    assignee: str | None = None


class ReassignStep(SignalCommand):
    step_id: str | None = None
    assignee: str


class ReceiveEvent(SignalCommand):
    """Merges `data` into the run's data and lets blocked steps look again."""

    name: str
    data: dict[str, Any] = Field(default_factory=dict)


class FireTimer(Command):
    timer_id: str


class RecordAutomationResult(Command):
    """What an automated attempt came to: from the HTTP call or from an external worker."""

    step_id: str
    job_id: str
    outcome: Literal["success", "failure"]
    data: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None
    retryable: bool = False
    retry_after_seconds: float | None = None
    """Of a failure: no other attempt before this time has passed."""
    worker: str | None = None


class RecordNotification(Command):
    """A notification left the house, or was given up."""

    recipient: str
    notification_type: str
    channel: str
    step_id: str | None = None
    failure: str | None = None
    """Why it was given up; null where it was sent."""
    on_behalf_of: str | None = None
    """As whose substitute the recipient was told."""


RUN_COMMANDS: tuple[type[Command], ...] = (
    StartRun, CompleteStep, ClaimStep, ReleaseStep, UpdateData, EraseEncryptedData, PauseRun, ResumeRun, CancelRun,
    RetryStep, SkipStep, EscalateStep, ReassignStep, ReceiveEvent, FireTimer, RecordAutomationResult,
    RecordNotification,
)  # fmt: skip
REGISTRY_COMMANDS: tuple[type[Command], ...] = (
    CreatePlaybook, RevisePlaybook, ArchivePlaybook, RestorePlaybook, DeletePlaybook,
)  # fmt: skip
