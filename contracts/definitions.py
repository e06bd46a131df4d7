"""A playbook's definition, as users write it and as revisions keep it."""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, WithJsonSchema

from contracts.values import Json, Moment, OpenContract

SMART_CODE_PATTERN = r"^HERA(?:\.[A-Z][A-Z0-9_]{1,29}){3,8}\.v[1-9][0-9]*$"
StepType = Literal["form", "task", "approval", "automated"]
OnUnmet = Literal["skip", "block", "fail"]
PlaybookStatus = Literal["active", "archived", "deleted"]
SmartCode = Annotated[str, WithJsonSchema({"type": "string", "pattern": SMART_CODE_PATTERN})]
"""Checked with the playbook's other rules, for a bad one has an error of its own; the pattern is for the schemas."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]

FIELD_OPERATORS = (
    "=", "!=", ">", ">=", "<", "<=", "in", "not_in", "contains", "not_contains", "starts_with", "ends_with",
    "matches", "exists", "not_exists", "between",
)  # fmt: skip
GROUP_OPERATORS = ("and", "or", "not")

FieldKind = Literal[
    "text", "email", "number", "integer", "boolean", "checkbox", "date", "datetime", "select", "multiselect", "list",
    "object", "file",
]  # fmt: skip
FIELD_KINDS: dict[str, FieldKind] = {
    "text": "text", "textarea": "text", "string": "text", "phone": "text", "url": "text", "email": "email",
    "number": "number", "currency": "number", "integer": "integer", "boolean": "boolean", "checkbox": "checkbox",
    "date": "date", "datetime": "datetime", "select": "select", "multiselect": "multiselect", "list": "list",
    "array": "list", "object": "object", "file": "file", "document": "file",
}  # fmt: skip
"""By a form field's `type`, what kind of value it takes; a type that is not listed takes any."""
TODAY = "today"
"""Of a date or datetime field's `min`, `max` and `default`: the day of the completion."""


class Condition(OpenContract):
    """One condition, in one of three forms.

    On a field: `field`, `operator` (one of FIELD_OPERATORS), `value`.
    On a step: `step` (its sequence number), `status`.
    A group: `operator` (one of GROUP_OPERATORS), `conditions`.
    The registry refuses any other form when the playbook is created.
    """

    field: str | None = None
    operator: str | None = None
    value: Json = None
    step: int | None = None
    status: str | None = None
    conditions: list["Condition"] | None = None


class StepConditions(OpenContract):
    pre: list[Condition] = Field(default_factory=list)
    post: list[Condition] = Field(default_factory=list)
    on_unmet: OnUnmet | None = None


class StepDraft(OpenContract):
    """A step as a user sends it."""

    name: Name
    description: str | None = None
    smart_code: SmartCode | None = None
    step_type: StepType = "task"
    sequence: int = Field(ge=1)
    is_required: bool = True
    parallel_allowed: bool = False
    assignee_roles: list[str] = Field(default_factory=list)
    timeout_minutes: float | None = Field(default=None, gt=0)
    conditions: StepConditions = StepConditions()
    automation_config: dict[str, Any] | None = Field(
        default=None,
        description="Of an automated step: `api_endpoint`, `retry_attempts` (3), `timeout_seconds` (30 for a call), "
        "`lease_seconds` (60, of workers), `fallback_to_manual`, `trigger` (`on_previous_completion`); others are "
        "passed on to whoever does the step.",
    )
    metadata: dict[str, Any] = Field(default_factory=dict)


class PlaybookDraft(OpenContract):
    """A playbook as a user sends it."""

    name: Name
    description: str | None = None
    smart_code: SmartCode
    type: str = "workflow"
    category: str | None = None
    version: str = "1.0.0"
    metadata: dict[str, Any] = Field(default_factory=dict)
    steps: list[StepDraft] = Field(default_factory=list)


class StepDefinition(StepDraft):
    """A step of a revision: `step_001`, `step_002`, …, numbered in order of sequence."""

    step_id: str


class PlaybookDefinition(OpenContract):
    """One immutable revision of a playbook. A run is pinned to the revision that it started with."""

    playbook_id: str
    revision: int = Field(ge=1)
    organization_id: str
    name: str
    description: str | None = None
    smart_code: str
    type: str = "workflow"
    category: str | None = None
    version: str = "1.0.0"
    metadata: dict[str, Any] = Field(default_factory=dict)
    steps: list[StepDefinition]
    created_at: Moment
    created_by: str

    @cached_property
    def calendars(self) -> frozenset[str]:
        """Names of the business calendars that it, or a step, names."""
        named = (metadata.get("calendar") for metadata in (self.metadata, *(step.metadata for step in self.steps)))
        return frozenset(name for name in named if isinstance(name, str))

    @cached_property
    def encrypted_fields(self) -> frozenset[str]:
        """Names of the fields that a form, or a required output, marks `encrypted`."""
        listed = (step.metadata.get(kind) for step in self.steps for kind in ("form_fields", "required_outputs"))
        fields = (field for fields in listed if isinstance(fields, list) for field in fields)
        marked = (field for field in fields if isinstance(field, dict) and field.get("encrypted") is True)
        return frozenset(str(field.get("name")) for field in marked)
