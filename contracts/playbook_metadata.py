"""What has a meaning in metadata and in `automation_config`: for the documentation and for the check of names.

A definition keeps its metadata as it was sent, other fields among it. What values these fields may have the registry
checks, so these models are not used to read anything.
"""

from typing import Any, Literal

from pydantic import Field

from contracts.secrets import NAME_PATTERN, AuthScheme
from contracts.values import OpenContract

SHOWN = frozenset({
    "label", "title", "description", "placeholder", "help", "help_text", "hint", "unit", "format", "template", "rows",
    "group", "section", "order", "width", "readonly", "hidden", "icon", "color", "style", "ui_hints",
})  # fmt: skip
"""Names that a user interface may look for in a field, an output or an option; the engine does not."""
OWN = ("x_", "x-")
"""How the names of an author's own fields begin, which nobody asks about."""
FieldType = Literal[
    "text", "textarea", "string", "phone", "url", "email", "number", "currency", "integer", "boolean", "checkbox",
    "date", "datetime", "select", "multiselect", "list", "array", "object", "file", "document",
]  # fmt: skip


class FieldOption(OpenContract):
    value: str | float | bool = Field(examples=["car"])
    label: Any = Field(default=None, description="Shown for it.", examples=["Car loan"])


class FormField(OpenContract):
    """What a completion's data must hold under `name`."""

    name: str = Field(min_length=1, examples=["ssn"])
    type: FieldType | str | None = Field(default=None, description="Without a known type any value is taken.")
    required: bool | None = Field(default=None, examples=[True])
    encrypted: bool | None = Field(
        default=None,
        description="Every value under this name is encrypted in the whole run, at any depth of its data.",
        examples=[True],
    )
    validation: str | None = Field(default=None, description="RE2 pattern of texts.", examples=[r"^\d{3}-\d{2}-\d{4}$"])
    min: float | str | None = Field(
        default=None,
        description="Of a number the value, of a text the length, of a list the items; of a date a day or `today`.",
        examples=[0],
    )
    max: float | str | None = Field(default=None, description="As `min`.", examples=["today"])
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=0, examples=[200])
    options: list[FieldOption | str | float | bool] | None = Field(
        default=None, description="Of a select or multiselect, which need them.", examples=[["low", "high"]]
    )
    default: Any = Field(
        default=None, description="For a completion and a run that both leave the field out. Not of an encrypted field."
    )


class RequiredOutput(FormField):
    """As a form field that is required. A document may be an attachment."""


class ApprovalOption(OpenContract):
    """A way to end an approval. At most one of `next_step`, `return_to_step`, `end_playbook`."""

    action: str = Field(min_length=1, description="The `outcome` of the completion.", examples=["request_changes"])
    next_step: int | None = Field(default=None, description="Sequence of a later step, to jump to.", examples=[5])
    return_to_step: int | None = Field(
        default=None, description="Sequence of an earlier step, which gets a new attempt.", examples=[2]
    )
    end_playbook: bool | None = Field(default=None, description="Ends the run with outcome `rejected`.")


class Escalation(OpenContract):
    after_hours: float | None = Field(default=None, gt=0, description="After the step's start.", examples=[24])
    escalate_to: list[str] | None = Field(default=None, description="Roles.", examples=[["director"]])


class Reminder(OpenContract):
    """Exactly one of the two: how long before the step's due date."""

    before_minutes: float | None = Field(default=None, gt=0, examples=[30])
    before_hours: float | None = Field(default=None, gt=0, examples=[4])


class Section(OpenContract):
    name: str = Field(min_length=1, examples=["Findings"])


class StepMetadata(OpenContract):
    """What a step's metadata can say. Other fields are kept and shown, and handed to whoever does an automated step."""

    form_fields: list[FormField] | None = None
    required_outputs: list[RequiredOutput | str] | None = Field(default=None, examples=[["report"]])
    required_documents: list[str] | None = Field(default=None, examples=[["passport"]])
    deliverables: list[str] | None = Field(default=None, description="As `required_documents`.")
    sections: list[Section | str] | None = Field(
        default=None, description="Each is answered in the completion's data under its name.", examples=[["Findings"]]
    )
    task_checklist: list[str] | None = Field(
        default=None, description="A completion that sends the list must check off all of it.", examples=[["Call back"]]
    )
    review_checklist: list[str] | None = Field(default=None, description="As `task_checklist`.")
    initial_actions: list[str] | None = Field(default=None, description="As `task_checklist`.")
    inspection_points: list[str] | None = Field(
        default=None, description="A completion that sends the list must give each point a result."
    )
    resolution_types: list[str] | None = Field(
        default=None, description="What the completion's `resolution_type` may be.", examples=[["fixed", "duplicate"]]
    )
    rejection_criteria: dict[str, float | bool] | None = Field(
        default=None,
        description="`max_<x>` and `min_<x>` bound a count in the data, `<x>_auto_fail` forbids that there is any.",
        examples=[{"max_defects": 2, "critical_defect_auto_fail": True}],
    )
    approval_options: list[ApprovalOption] | None = None
    approval_matrix: dict[str, list[str]] | None = Field(
        default=None,
        description="By band of the amount, the roles of which each must approve.",
        examples=[{"under_100k": ["manager"], "100k_to_1m": ["manager", "director"], "over_1m": ["board"]}],
    )
    amount_field: str | None = Field(default=None, description="The matrix' amount in the data.", examples=["amount"])
    voting_threshold: float | None = Field(default=None, gt=0, le=1, examples=[0.66])
    committee_size: int | None = Field(default=None, ge=1, examples=[5])
    sla_hours: float | None = Field(default=None, gt=0, description="From start to due date.", examples=[48])
    response_sla: dict[str, float] | None = Field(
        default=None, description="Minutes, by the `severity` in the run's data.", examples=[{"P1": 15, "P2": 60}]
    )
    escalation: Escalation | None = None
    reminders: list[Reminder] | None = Field(default=None, max_length=10)
    on_timeout: Literal["fail", "skip"] | None = Field(
        default=None, description="What becomes of a step whose `timeout_minutes` is over; without it, it is overdue."
    )
    calendar: str | None = Field(
        default=None, description="A business calendar, `default` or `24x7`.", examples=["default"]
    )


class CallAuth(OpenContract):
    """With which secret of the organization a call authenticates itself."""

    scheme: AuthScheme = Field(
        description="`Authorization: Bearer`, `Authorization: Basic`, a header of its own, or a signature by the"
        " Standard Webhooks scheme."
    )
    secret: str = Field(pattern=NAME_PATTERN, description="The secret's name.", examples=["crm_token"])
    user: str | None = Field(default=None, description="Of `basic`, which needs it.", examples=["hera"])
    header: str | None = Field(default=None, description="Of `header`, which needs it.", examples=["X-Api-Key"])


class AutomationConfig(OpenContract):
    """How an automated step is done. Other fields are passed on to whoever does it."""

    api_endpoint: str | None = Field(
        default=None,
        description="Path below the organization's base address, or an absolute address that the operator allows."
        " Without it the step is a job for an external worker.",
        examples=["/contracts"],
    )
    auth: CallAuth | None = None
    sensitive_fields: list[str] | None = Field(
        default=None, description="Encrypted fields that the endpoint is sent in clear.", examples=[["ssn"]]
    )
    retry_attempts: int | None = Field(default=None, ge=0, le=100, description="Default 3.")
    timeout_seconds: float | None = Field(default=None, gt=0, le=86400, description="Of one attempt; of a call 30.")
    lease_seconds: float | None = Field(default=None, ge=1, le=86400, description="Of workers, 60.")
    fallback_to_manual: bool | None = Field(default=None, description="People take over where all attempts fail.")
    auto_approve_limit: float | None = Field(default=None, description="Held against `financial_controls`.")
    trigger: Literal["on_previous_completion"] | None = None


class PlaybookMetadata(OpenContract):
    """What a playbook's metadata can say. Other fields are kept and shown."""

    sla_hours: float | None = Field(default=None, gt=0, description="From a run's start to its end.", examples=[72])
    estimated_duration_minutes: float | None = Field(default=None, gt=0, examples=[240])
    auto_escalation: bool | None = Field(
        default=None, description="Overdue steps without an `escalation` of their own are escalated by themselves."
    )
    escalation: Escalation | None = None
    reminders: list[Reminder] | None = Field(default=None, max_length=10, description="Of steps that have none.")
    calendar: str | None = Field(default=None, examples=["default"])


class SignalMetadata(OpenContract):
    """What the metadata of a signal can say. Other fields are kept."""

    customer_request: Any = Field(
        default=None,
        description="Of a cancel, true or false: whether metrics count it as the customer's. Any other value counts as"
        " none.",
        examples=[True],
    )
    cancellation_category: Any = Field(
        default=None,
        description="Of a cancel without `customer_request`, a text that says the same, such as `customer_withdrew`.",
        examples=["customer_request"],
    )


def fields_of(model: type[OpenContract]) -> frozenset[str]:
    return frozenset(model.model_fields)
