"""Made of the OpenAPI document by `make schemas`: what goes out and comes in."""

from __future__ import annotations

from typing import TypedDict, Any, Literal, NotRequired, TypeAlias


class Accepted(TypedDict):
    """
    The command counts, once; its outcome is not known yet. It will be at `Location`.
    """

    operation: Literal["accepted"]
    operation_id: str
    run_id: NotRequired[str | None]
    playbook_id: NotRequired[str | None]
    step_id: NotRequired[str | None]
    webhook_id: NotRequired[str | None]
    signal_id: NotRequired[str | None]


class Access(TypedDict):
    """
    One access, or several refused calls of one kind. It holds no value of a field.
    """

    access_id: str
    at: str
    until: NotRequired[str | None]
    """
    Of several calls: when the last one came.
    """
    count: int
    """
    How many calls the record stands for.
    """
    run_id: NotRequired[str | None]
    step_id: NotRequired[str | None]
    """
    The automated step whose call was given clear values.
    """
    user: NotRequired[str | None]
    """
    The token's subject, or the service; missing where there was no valid token.
    """
    user_type: NotRequired[Literal["user", "system", "service"] | None]
    operation: NotRequired[str | None]
    """
    The operation's id in this document, or `automated_call`.
    """
    fields: list[str]
    """
    The encrypted fields that were opened for the answer, or are in the evidence as ciphertext; `secret:<name>` for a
    named secret.
    """
    outcome: Literal["disclosed", "exported", "allowed", "refused"]
    """
    `disclosed`: clear values were returned. `exported`: evidence was, with ciphertext. `allowed`: a key or
    a secret was changed, or data erased. `refused`: the call was answered with `status`.
    """
    status: NotRequired[Literal[401, 403, 404, 429] | None]
    correlation_id: str
    """
    The call's `X-Request-ID`; of several calls the first one's.
    """


class AccessLog(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    access_log: list[Access]


class AffectedStep(TypedDict):
    step_id: str
    status: Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]
    was_status: Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]


class ApprovalOption(TypedDict):
    """
    A way to end an approval. At most one of `next_step`, `return_to_step`, `end_playbook`.
    """

    action: str
    """
    The `outcome` of the completion.
    """
    next_step: NotRequired[int | None]
    """
    Sequence of a later step, to jump to.
    """
    return_to_step: NotRequired[int | None]
    """
    Sequence of an earlier step, which gets a new attempt.
    """
    end_playbook: NotRequired[bool | None]
    """
    Ends the run with outcome `rejected`.
    """


class Attachment(TypedDict):
    """
    A document that a completion names; the bytes are elsewhere.
    """

    name: str
    url: NotRequired[str | None]
    type: NotRequired[str | None]
    size_bytes: NotRequired[int | None]
    document: NotRequired[str | None]


class Attempt(TypedDict):
    attempt: int
    status: Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]
    started_at: NotRequired[str | None]
    ended_at: NotRequired[str | None]
    completed_by: NotRequired[str | None]
    on_behalf_of: NotRequired[str | None]
    """
    Whose substitute completed it.
    """
    outcome: NotRequired[str | None]


class BulkCounts(TypedDict):
    """
    Numbers of runs.
    """

    matched: int
    pending: int
    succeeded: int
    failed: int


class BulkMatches(TypedDict):
    """
    Of a dry run: how many runs the signal would go to now.
    """

    matched: int
    matched_is_exact: bool


class CalendarDocument(TypedDict):
    title: str | None
    time_zone: str
    hours: dict[str, list[str]]
    holidays: dict[str, Any]
    exceptions: list[dict[str, Any]]
    public_holidays: list[dict[str, str]]
    """
    Dates and names of those of the holidays' country.
    """
    public_holidays_until: str | None


class CalendarPut(TypedDict):
    """
    The whole calendar.
    """

    organization_id: str
    action: NotRequired[Literal["update"]]
    document: dict[str, Any]
    comment: NotRequired[str | None]


class CallAuth(TypedDict):
    """
    With which secret of the organization a call authenticates itself.
    """

    scheme: Literal["bearer", "basic", "header", "signature"]
    """
    `Authorization: Bearer`, `Authorization: Basic`, a header of its own, or a signature by the Standard Webhooks scheme.
    """
    secret: str
    """
    The secret's name.
    """
    user: NotRequired[str | None]
    """
    Of `basic`, which needs it.
    """
    header: NotRequired[str | None]
    """
    Of `header`, which needs it.
    """


class ChainBreak(TypedDict):
    sequence: int
    reason: str


class ChainVerification(TypedDict):
    status: Literal["verified", "broken", "incomplete"]
    events: int
    expected_events: int
    """
    What the engine counts.
    """
    head_hash: str | None
    """
    Of the run's last event, as the engine keeps it.
    """
    algorithm: str
    broken: NotRequired[ChainBreak | None]
    """
    The first event that does not hold.
    """
    missing_from: NotRequired[int | None]
    """
    Of an incomplete history: the first event that is not there.
    """


Code: TypeAlias = Literal[
    "VALIDATION_ERROR",
    "SMART_CODE_INVALID",
    "ORGANIZATION_REQUIRED",
    "ORGANIZATION_MISMATCH",
    "CONTRACT_VALIDATION_FAILED",
    "POLICY_VIOLATION",
    "CIRCULAR_DEPENDENCY",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "NOT_FOUND",
    "CONFLICT",
    "INVALID_STATE",
    "IDEMPOTENCY_CONFLICT",
    "PAYLOAD_TOO_LARGE",
    "RATE_LIMITED",
    "UNAVAILABLE",
    "INTERNAL_ERROR",
]


class Completion(TypedDict):
    """
    What came of a step. `outcome` is `success`, `failure`, or an action of the step's approval options.

    What a form does not name belongs into `data`, where it is kept.
    """

    outcome: NotRequired[str]
    completed_by: NotRequired[str | None]
    data: NotRequired[dict[str, Any]]
    attachments: NotRequired[list[Attachment]]
    next_step_assignments: NotRequired[dict[str, list[str]]]


class Condition(TypedDict):
    """
    One condition, in one of three forms.

    On a field: `field`, `operator` (one of FIELD_OPERATORS), `value`.
    On a step: `step` (its sequence number), `status`.
    A group: `operator` (one of GROUP_OPERATORS), `conditions`.
    The registry refuses any other form when the playbook is created.
    """

    field: NotRequired[str | None]
    operator: NotRequired[str | None]
    value: NotRequired[Any]
    step: NotRequired[int | None]
    status: NotRequired[str | None]
    conditions: NotRequired[list[Condition] | None]


class DateRange(TypedDict):
    """
    Runs created from `start` on and before or at `end`.
    """

    start: NotRequired[str | None]
    end: NotRequired[str | None]


class Delegation(TypedDict):
    delegation_id: str
    delegator: str
    substitute: str
    roles: list[str] | None
    """
    Null: for all that the delegator may work on.
    """
    starts_at: str
    ends_at: str
    status: Literal["scheduled", "in_force", "ended", "revoked"]
    reason: str | None
    created_at: str
    created_by: str
    revoked_at: str | None
    revoked_by: str | None


class DelegationPage(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    delegations: list[Delegation]


Role: TypeAlias = str


class DelegationRequest(TypedDict):
    """
    Who stands in for whom, and for how long.
    """

    substitute: str
    delegator: NotRequired[str | None]
    roles: NotRequired[list[Role] | None]
    starts_at: NotRequired[str | None]
    ends_at: str
    reason: NotRequired[str | None]


class Delivery(TypedDict):
    delivery_id: str
    """
    The `webhook-id` that the endpoint gets, the same for every try.
    """
    webhook_id: str
    event_type: str
    event_id: str | None
    """
    Null where it is a test.
    """
    run_id: str | None
    status: Literal["pending", "delivered", "failed"]
    tries: int
    """
    Since it was made, or replayed.
    """
    created_at: str
    next_try_at: str | None
    delivered_at: str | None
    last_try_at: str | None
    last_status_code: int | None
    """
    What the endpoint answered; null where it did not.
    """
    error: str | None


class DeliveryPage(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    deliveries: list[Delivery]


class DeliveryReplay(TypedDict):
    organization_id: str
    action: NotRequired[Literal["replay"]]


class ErrorBody(TypedDict):
    code: Code
    message: str
    details: dict[str, Any]
    """
    `field`, `value` and `reason` of what is wrong, or what the code needs; `errors` lists all that is wrong.
    """


class Escalation(TypedDict):
    after_hours: NotRequired[float | None]
    """
    After the step's start.
    """
    escalate_to: NotRequired[list[str] | None]
    """
    Roles.
    """


class ExecutionStats(TypedDict):
    """
    `completion_rate` = 100 × completed / total. Paused and blocked runs count among `active_runs`.
    """

    total_runs: int
    completed_runs: int
    active_runs: int
    cancelled_runs: int
    failed_runs: int
    completion_rate: float | None
    average_duration_hours: float | None
    median_duration_hours: float | None


class FailedReplay(TypedDict):
    """
    `since`: only deliveries of then or later.
    """

    organization_id: str
    action: NotRequired[Literal["replay"]]
    since: str


class FieldOption(TypedDict):
    value: str | float | bool
    label: NotRequired[Any]
    """
    Shown for it.
    """


class FormField(TypedDict):
    """
    What a completion's data must hold under `name`.
    """

    name: str
    type: NotRequired[
        Literal[
            "text",
            "textarea",
            "string",
            "phone",
            "url",
            "email",
            "number",
            "currency",
            "integer",
            "boolean",
            "checkbox",
            "date",
            "datetime",
            "select",
            "multiselect",
            "list",
            "array",
            "object",
            "file",
            "document",
        ]
        | str
        | None
    ]
    """
    Without a known type any value is taken.
    """
    required: NotRequired[bool | None]
    encrypted: NotRequired[bool | None]
    """
    Every value under this name is encrypted in the whole run, at any depth of its data.
    """
    validation: NotRequired[str | None]
    """
    RE2 pattern of texts.
    """
    min: NotRequired[float | str | None]
    """
    Of a number the value, of a text the length, of a list the items; of a date a day or `today`.
    """
    max: NotRequired[float | str | None]
    """
    As `min`.
    """
    min_length: NotRequired[int | None]
    max_length: NotRequired[int | None]
    options: NotRequired[list[FieldOption | str | float | bool] | None]
    """
    Of a select or multiselect, which need them.
    """
    default: NotRequired[Any]
    """
    For a completion and a run that both leave the field out. Not of an encrypted field.
    """


class KeyRotated(TypedDict):
    organization_id: str
    key_id: str
    """
    Of the key that is used from now on.
    """


class KeyRotation(TypedDict):
    organization_id: str
    action: NotRequired[Literal["rotate"]]


class NextStep(TypedDict):
    """
    A step that is open now, with what is needed to work on it.
    """

    step_id: str
    sequence: int
    status: Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]
    assigned_to: NotRequired[str | None]
    candidates: NotRequired[list[str] | None]
    """
    Users who are named for it, of whom any may act.
    """
    substitutes: NotRequired[list[str] | None]
    """
    Who may act just now for those whom it names.
    """
    started_at: NotRequired[str | None]
    due_at: NotRequired[str | None]
    step_name: NotRequired[str | None]
    step_type: NotRequired[str | None]
    execution_mode: NotRequired[Literal["manual", "automated"] | None]
    assignee_roles: NotRequired[list[str] | None]
    can_complete: NotRequired[bool | None]
    """
    Whether the caller may complete it.
    """
    waits_for: NotRequired[list[dict[str, Any]] | None]
    """
    Of a blocked step: the conditions that do not hold, and why.
    """
    form_fields: NotRequired[list[dict[str, Any]] | None]
    approval_options: NotRequired[list[dict[str, Any]] | None]
    metadata: NotRequired[dict[str, Any] | None]
    """
    What else the step's definition says: checklists, outputs, hints.
    """
    data: NotRequired[dict[str, Any] | None]
    left_out: NotRequired[list[str] | None]
    """
    Fields that are left out because they are large: read the step, or the run.
    """


class OldSecret(TypedDict):
    """
    One that still signs, beside the current one.
    """

    version: int
    valid_until: str


class OperationOutcome(TypedDict):
    operation_id: str
    type: Literal["command", "bulk_signal"]
    status: Literal["running", "succeeded", "failed"]
    """
    A bulk operation has succeeded when each of its runs has answered, whatever it was.
    """
    resource: str
    """
    Where what the command is about can be read; of a bulk operation, its results.
    """
    counts: NotRequired[BulkCounts | None]
    """
    Of a bulk operation.
    """
    all_found: NotRequired[bool | None]
    """
    Of a bulk operation: `matched` grows no more.
    """
    run_id: NotRequired[str | None]
    playbook_id: NotRequired[str | None]
    policy: NotRequired[str | None]
    calendar: NotRequired[str | None]
    webhook_id: NotRequired[str | None]
    delegation_id: NotRequired[str | None]
    result: NotRequired[dict[str, Any] | None]
    error: NotRequired[ErrorBody | None]


class OrganizationDataErased(TypedDict):
    organization_id: str
    keys_destroyed: int
    """
    The organization's own; those of its runs are of no use without them.
    """
    erased_at: str


class PlaybookArchiving(TypedDict):
    organization_id: str
    action: NotRequired[Literal["archive"]]


class PlaybookRestoring(TypedDict):
    organization_id: str
    action: NotRequired[Literal["restore"]]


class PlaybookSize(TypedDict):
    """
    `estimated_duration_minutes` is the playbook's own, from its metadata.
    """

    total_steps: int
    required_steps: int
    parallel_steps: int
    automated_steps: int
    estimated_duration_minutes: float | None


class PlaybookStatusChanged(TypedDict):
    playbook_id: str
    smart_code: str
    revision: int
    previous_status: Literal["active", "archived"]
    status: Literal["active", "archived", "deleted"]
    updated_at: str
    updated_by: str


class PlaybookViolations(TypedDict):
    playbook_id: str
    name: str
    revision: int
    violations: list[dict[str, Any]]
    """
    Each with its `step_id`, and what the error of a create would say.
    """


class Policy(TypedDict):
    policy: str
    revision: int
    """
    0 for the default, before any was put.
    """
    is_default: bool
    updated_at: str | None
    updated_by: str | None
    comment: str | None
    document: dict[str, Any]


class PolicyHistory(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    revisions: list[Policy]


class PolicyPut(TypedDict):
    """
    The whole document; what it leaves out is as it is by default.
    """

    organization_id: str
    action: NotRequired[Literal["update"]]
    document: dict[str, Any]
    comment: NotRequired[str | None]


class PolicyTrial(TypedDict):
    """
    The document as it would be put.
    """

    organization_id: str
    action: NotRequired[Literal["try"]]
    document: dict[str, Any]
    playbooks_cursor: NotRequired[str | None]
    runs_cursor: NotRequired[str | None]


class Reminder(TypedDict):
    """
    Exactly one of the two: how long before the step's due date.
    """

    before_minutes: NotRequired[float | None]
    before_hours: NotRequired[float | None]


class Replayed(TypedDict):
    webhook_id: str
    replayed: int
    """
    How many deliveries.
    """


class RequiredOutput(TypedDict):
    """
    As a form field that is required. A document may be an attachment.
    """

    name: str
    type: NotRequired[
        Literal[
            "text",
            "textarea",
            "string",
            "phone",
            "url",
            "email",
            "number",
            "currency",
            "integer",
            "boolean",
            "checkbox",
            "date",
            "datetime",
            "select",
            "multiselect",
            "list",
            "array",
            "object",
            "file",
            "document",
        ]
        | str
        | None
    ]
    """
    Without a known type any value is taken.
    """
    required: NotRequired[bool | None]
    encrypted: NotRequired[bool | None]
    """
    Every value under this name is encrypted in the whole run, at any depth of its data.
    """
    validation: NotRequired[str | None]
    """
    RE2 pattern of texts.
    """
    min: NotRequired[float | str | None]
    """
    Of a number the value, of a text the length, of a list the items; of a date a day or `today`.
    """
    max: NotRequired[float | str | None]
    """
    As `min`.
    """
    min_length: NotRequired[int | None]
    max_length: NotRequired[int | None]
    options: NotRequired[list[FieldOption | str | float | bool] | None]
    """
    Of a select or multiselect, which need them.
    """
    default: NotRequired[Any]
    """
    For a completion and a run that both leave the field out. Not of an encrypted field.
    """


class RevisionNote(TypedDict):
    revision: int
    version: str
    created_at: str
    created_by: str


class RunAccessLog(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    access_log: list[Access]
    run_id: str


class RunChange(TypedDict):
    """
    What of a run is changed: values are merged over those that are there.
    """

    data: NotRequired[dict[str, Any]]
    metadata: NotRequired[dict[str, Any]]
    priority: NotRequired[str | None]


class RunDurations(TypedDict):
    """
    Over the runs of the group that have ended.
    """

    average_hours: float | None
    median_hours: float | None
    p95_hours: float | None


class RunProgress(TypedDict):
    run_id: str
    overall_status: Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
    progress_percentage: float
    """
    (completed + skipped) / total; 100 only when the run has completed.
    """
    completed_steps: int
    total_steps: int


class RunRequest(TypedDict):
    """
    What a run starts with. What is none of these fields belongs into one of them.
    """

    playbook_id: str
    smart_code: NotRequired[str | None]
    context: NotRequired[dict[str, Any]]
    initial_data: NotRequired[dict[str, Any]]
    metadata: NotRequired[dict[str, Any]]


class RunSelection(TypedDict):
    """
    Which runs: those that are named, or all of the organisation's that fit. Ranges include their ends.

    What is no filter is refused: misspelt, it would let the signal through to more runs than are meant.
    """

    run_ids: NotRequired[list[str] | None]
    status: NotRequired[Literal["active", "paused", "blocked", "completed", "failed", "cancelled"] | None]
    playbook_id: NotRequired[str | None]
    entity_type: NotRequired[str | None]
    entity_id: NotRequired[str | None]
    assignee: NotRequired[str | None]
    priority: NotRequired[str | None]
    overdue: NotRequired[bool]
    created_from: NotRequired[str | None]
    created_to: NotRequired[str | None]
    updated_from: NotRequired[str | None]
    updated_to: NotRequired[str | None]


class RunStep(TypedDict):
    """
    A step as its run shows it. What has no value is left out.
    """

    step_id: str
    sequence: int
    status: Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]
    assigned_to: NotRequired[str | None]
    started_at: NotRequired[str | None]
    is_conditional: NotRequired[bool | None]
    step_name: str
    step_type: Literal["form", "task", "approval", "automated"]
    is_required: bool
    attempt: int
    execution_mode: NotRequired[Literal["manual", "automated"] | None]
    """
    Whether a person or a machine does it.
    """
    assignee_roles: list[str]
    """
    Whose holders may act on it; of a step that has not started, whose may then.
    """
    candidates: NotRequired[list[str] | None]
    """
    Users who are named for it, of whom any may act.
    """
    due_at: NotRequired[str | None]
    calendar: NotRequired[dict[str, Any] | None]
    """
    Name and revision of the one that its dates were reckoned with; left out: around the clock.
    """
    blocked_at: NotRequired[str | None]
    completed_at: NotRequired[str | None]
    ended_at: NotRequired[str | None]
    completed_by: NotRequired[str | None]
    on_behalf_of: NotRequired[str | None]
    """
    Whose substitute completed it.
    """
    outcome: NotRequired[str | None]
    reason: NotRequired[str | None]
    was_status: NotRequired[
        Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"] | None
    ]
    """
    Of a paused step: what it will be again.
    """
    sla_breached: NotRequired[bool | None]
    unmet_conditions: NotRequired[list[dict[str, Any]] | None]
    approvals: NotRequired[list[dict[str, Any]] | None]
    """
    Votes so far, where several are needed.
    """
    previous_attempts: NotRequired[list[Attempt] | None]


class RunUpdate(TypedDict):
    organization_id: str
    action: NotRequired[Literal["update"]]
    run: RunChange


class RunViolations(TypedDict):
    run_id: str
    playbook_id: str
    status: Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
    violations: list[dict[str, Any]]
    """
    Each with its `step_id`, `step_status`, `violation`, and what the refusal would say.
    """


class Secret(TypedDict):
    """
    A named secret, without its value.
    """

    name: str
    version: int
    """
    Counts how often the value was changed.
    """
    created_at: str
    updated_at: str
    updated_by: str | None


class SecretRotation(TypedDict):
    """
    `old_valid_seconds`: for so long the secret of before signs too.
    """

    organization_id: str
    action: NotRequired[Literal["rotate_secret"]]
    old_valid_seconds: NotRequired[int]


class SecretValue(TypedDict):
    value: str


class Secrets(TypedDict):
    secrets: list[Secret]


class Section(TypedDict):
    name: str


class SignalMetadata(TypedDict):
    """
    What the metadata of a signal can say. Other fields are kept.
    """

    customer_request: NotRequired[Any]
    """
    Of a cancel, true or false: whether metrics count it as the customer's. Any other value counts as none.
    """
    cancellation_category: NotRequired[Any]
    """
    Of a cancel without `customer_request`, a text that says the same, such as `customer_withdrew`.
    """


class SlaCompliance(TypedDict):
    """
    Over completed runs: `compliance_rate` = 100 × met / (met + missed); `average_overrun_hours` over missed runs.
    Paused time is left out.
    """

    target_hours: float | None
    met_sla: int
    missed_sla: int
    compliance_rate: float | None
    average_overrun_hours: float | None


class SlaShare(TypedDict):
    """
    Over the runs of the group that were completed under an SLA; `rate` is in percent.
    """

    met: int
    missed: int
    rate: float | None


class Step(TypedDict):
    """
    A step of a run, with its history.
    """

    step_id: str
    sequence: int
    status: Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]
    assigned_to: NotRequired[str | None]
    started_at: NotRequired[str | None]
    is_conditional: NotRequired[bool | None]
    step_name: str
    step_type: Literal["form", "task", "approval", "automated"]
    is_required: bool
    attempt: int
    execution_mode: NotRequired[Literal["manual", "automated"] | None]
    """
    Whether a person or a machine does it.
    """
    assignee_roles: list[str]
    """
    Whose holders may act on it; of a step that has not started, whose may then.
    """
    candidates: NotRequired[list[str] | None]
    """
    Users who are named for it, of whom any may act.
    """
    due_at: NotRequired[str | None]
    calendar: NotRequired[dict[str, Any] | None]
    """
    Name and revision of the one that its dates were reckoned with; left out: around the clock.
    """
    blocked_at: NotRequired[str | None]
    completed_at: NotRequired[str | None]
    ended_at: NotRequired[str | None]
    completed_by: NotRequired[str | None]
    on_behalf_of: NotRequired[str | None]
    """
    Whose substitute completed it.
    """
    outcome: NotRequired[str | None]
    reason: NotRequired[str | None]
    was_status: NotRequired[
        Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"] | None
    ]
    """
    Of a paused step: what it will be again.
    """
    sla_breached: NotRequired[bool | None]
    unmet_conditions: NotRequired[list[dict[str, Any]] | None]
    approvals: NotRequired[list[dict[str, Any]] | None]
    """
    Votes so far, where several are needed.
    """
    previous_attempts: NotRequired[list[Attempt] | None]
    run_id: str
    description: NotRequired[str | None]
    form_fields: list[dict[str, Any]]
    approval_options: list[dict[str, Any]]
    metadata: dict[str, Any]
    """
    What else the step's definition says: checklists, outputs, hints.
    """
    data: dict[str, Any]
    """
    What its completion brought.
    """
    attachments: list[dict[str, Any]]
    attempts: list[Attempt]
    """
    Oldest first; the last one is the current.
    """


class StepClaim(TypedDict):
    organization_id: str
    action: NotRequired[Literal["claim"]]


class StepCompletion(TypedDict):
    organization_id: str
    action: NotRequired[Literal["complete"]]
    completion: Completion


class StepConditions(TypedDict):
    pre: NotRequired[list[Condition]]
    post: NotRequired[list[Condition]]
    on_unmet: NotRequired[Literal["skip", "block", "fail"] | None]


class StepDefinition(TypedDict):
    """
    A step of a revision: `step_001`, `step_002`, …, numbered in order of sequence.
    """

    name: str
    description: NotRequired[str | None]
    smart_code: NotRequired[str | None]
    step_type: NotRequired[Literal["form", "task", "approval", "automated"]]
    sequence: int
    is_required: NotRequired[bool]
    parallel_allowed: NotRequired[bool]
    assignee_roles: NotRequired[list[str]]
    timeout_minutes: NotRequired[float | None]
    conditions: NotRequired[StepConditions]
    automation_config: NotRequired[dict[str, Any] | None]
    """
    Of an automated step: `api_endpoint`, `retry_attempts` (3), `timeout_seconds` (30 for a call), `lease_seconds` (60, of workers), `fallback_to_manual`, `trigger` (`on_previous_completion`); others are passed on to whoever does the step.
    """
    metadata: NotRequired[dict[str, Any]]
    step_id: str


class StepMetadata(TypedDict):
    """
    What a step's metadata can say. Other fields are kept and shown, and handed to whoever does an automated step.
    """

    form_fields: NotRequired[list[FormField] | None]
    required_outputs: NotRequired[list[RequiredOutput | str] | None]
    required_documents: NotRequired[list[str] | None]
    deliverables: NotRequired[list[str] | None]
    """
    As `required_documents`.
    """
    sections: NotRequired[list[Section | str] | None]
    """
    Each is answered in the completion's data under its name.
    """
    task_checklist: NotRequired[list[str] | None]
    """
    A completion that sends the list must check off all of it.
    """
    review_checklist: NotRequired[list[str] | None]
    """
    As `task_checklist`.
    """
    initial_actions: NotRequired[list[str] | None]
    """
    As `task_checklist`.
    """
    inspection_points: NotRequired[list[str] | None]
    """
    A completion that sends the list must give each point a result.
    """
    resolution_types: NotRequired[list[str] | None]
    """
    What the completion's `resolution_type` may be.
    """
    rejection_criteria: NotRequired[dict[str, float | bool] | None]
    """
    `max_<x>` and `min_<x>` bound a count in the data, `<x>_auto_fail` forbids that there is any.
    """
    approval_options: NotRequired[list[ApprovalOption] | None]
    approval_matrix: NotRequired[dict[str, list[str]] | None]
    """
    By band of the amount, the roles of which each must approve.
    """
    amount_field: NotRequired[str | None]
    """
    The matrix' amount in the data.
    """
    voting_threshold: NotRequired[float | None]
    committee_size: NotRequired[int | None]
    sla_hours: NotRequired[float | None]
    """
    From start to due date.
    """
    response_sla: NotRequired[dict[str, float] | None]
    """
    Minutes, by the `severity` in the run's data.
    """
    escalation: NotRequired[Escalation | None]
    reminders: NotRequired[list[Reminder] | None]
    on_timeout: NotRequired[Literal["fail", "skip"] | None]
    """
    What becomes of a step whose `timeout_minutes` is over; without it, it is overdue.
    """
    calendar: NotRequired[str | None]
    """
    A business calendar, `default` or `24x7`.
    """


class StepPerformance(TypedDict):
    """
    `success_rate` = 100 × completed / executions. `bottleneck_score` = min(1, average duration / the playbook's
    `estimated_duration_minutes`), or over the median run duration where none is given.
    """

    step_sequence: int
    step_name: str
    executions: int
    avg_duration_minutes: float | None
    success_rate: float | None
    bottleneck_score: float | None


class StepRelease(TypedDict):
    organization_id: str
    action: NotRequired[Literal["release"]]
    reason: NotRequired[str | None]


class StepRow(TypedDict):
    step_id: str
    sequence: int
    status: Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]
    assigned_to: NotRequired[str | None]
    started_at: NotRequired[str | None]
    is_conditional: NotRequired[bool | None]


class Task(TypedDict):
    """
    An open step that waits for the caller, or for one of the caller's roles.
    """

    run_id: str
    playbook_id: str
    playbook_name: str
    step_id: str
    step_name: str
    step_type: str
    description: str | None
    sequence: int
    status: str
    assigned_to: str | None
    candidates: list[str]
    """
    Users who are named for it, of whom any may act.
    """
    substitutes: list[str]
    """
    Who may act just now for those whom it names.
    """
    on_behalf_of: str | None
    """
    For whom the caller would do it; null where it is for themselves.
    """
    can_complete: bool
    """
    False where a rule of segregation keeps the caller from it, or an approval matrix asks none of their roles.
    """
    assignee_roles: list[str]
    priority: str
    started_at: str | None
    due_at: str | None
    sla_breached: bool
    form_fields: list[dict[str, Any]]
    approval_options: list[dict[str, Any]]
    metadata: dict[str, Any]
    """
    What else the step's definition says: checklists, outputs, hints.
    """
    entity: dict[str, Any]
    """
    What of `entity_type`, `entity_id` and `entity_name` the run's context names.
    """
    context: dict[str, Any]
    data: NotRequired[dict[str, Any] | None]
    """
    The run's, which the step may need.
    """
    left_out: NotRequired[list[str] | None]
    """
    `data`, where it is large: read the run.
    """


class TaskCounts(TypedDict):
    """
    Of the caller's tasks.
    """

    total: int
    assigned_to_me: int
    unassigned: int
    overdue: int
    by_priority: dict[str, int]


class TaskPage(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    tasks: list[Task]
    """
    May be fewer than `limit`: those that were done in this very moment, and those of a lower role at which the
    policy `role_order` does not let the caller's act, are left out when a page is made.
    """


class TimelineEvent(TypedDict):
    timestamp: str
    event_type: str
    step_sequence: NotRequired[int | None]
    actor: str
    actor_type: Literal["user", "system", "service"]
    details: dict[str, Any]
    smart_code: str
    is_system_event: NotRequired[bool | None]


class TimelineLine(TypedDict):
    """
    One event as it stands inside other answers.
    """

    timestamp: str
    event: str
    step: NotRequired[int | None]
    actor: str
    details: dict[str, Any]


class TimelineSummary(TypedDict):
    """
    Counts what is shown; `time_elapsed_minutes` is last minus first event.
    """

    total_events: int
    user_events: int
    system_events: int
    time_elapsed_minutes: float
    current_status: Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]


class TrialSent(TypedDict):
    """
    What becomes of it stands among the deliveries.
    """

    delivery_id: str
    webhook_id: str
    status: Literal["pending"]


class TriedPlaybooks(TypedDict):
    checked: int
    violating: list[PlaybookViolations]
    next: str | None
    """
    `playbooks_cursor` of the trial that goes on; null where all were looked at.
    """


class TriedRuns(TypedDict):
    checked: int
    violating: list[RunViolations]
    next: str | None
    """
    `runs_cursor` of the trial that goes on; null where all were looked at.
    """


class UserPerformance(TypedDict):
    """
    `quality_score` = 100 × completions that were right the first time (no return, retry, contract rejection or
    missed SLA) / completions. `avg_completion_time` is in minutes.
    """

    user_id: str
    steps_completed: int
    avg_completion_time: float | None
    quality_score: float | None


class Verification(TypedDict):
    status: Literal["verified", "broken", "incomplete"]
    events: int
    expected_events: int
    """
    What the engine counts.
    """
    head_hash: str | None
    """
    Of the run's last event, as the engine keeps it.
    """
    algorithm: str
    broken: NotRequired[ChainBreak | None]
    """
    The first event that does not hold.
    """
    missing_from: NotRequired[int | None]
    """
    Of an incomplete history: the first event that is not there.
    """
    run_id: str


class Wait(TypedDict):
    """
    One thing that must happen before the run goes on. Which fields there are depends on the kind.
    """

    kind: Literal["person", "automation", "condition", "resume", "retry", "steps"]
    explanation: str
    """
    A sentence.
    """
    since: NotRequired[str | None]
    step_id: NotRequired[str | None]
    assigned_to: NotRequired[str | None]
    candidates: NotRequired[list[str] | None]
    """
    Users who are named for it, of whom any may act.
    """
    substitutes: NotRequired[list[str] | None]
    """
    Who may act in the place of one of these, or of a holder of one of the roles.
    """
    assignee_roles: NotRequired[list[str] | None]
    higher_roles: NotRequired[list[str] | None]
    """
    Those that may act because they stand above one of these, by the policy `role_order`.
    """
    required_roles: NotRequired[list[str] | None]
    """
    Those of which also an assignee must hold one, by the policy `step_roles`.
    """
    anyone: NotRequired[bool | None]
    """
    Anyone who may complete steps can act.
    """
    barred: NotRequired[list[str] | None]
    """
    Users who may not act, by the policy `segregation_of_duties`, for what they have done; the first 20.
    """
    approvals: NotRequired[dict[str, Any] | None]
    """
    Where several must approve: the votes so far, how many are `required`, and the `missing_roles` of a matrix.
    """
    approved_by: NotRequired[list[str] | None]
    rejected_by: NotRequired[list[str] | None]
    due_at: NotRequired[str | None]
    overdue: NotRequired[bool | None]
    conditions: NotRequired[list[dict[str, Any]] | None]
    """
    Each with `condition`, `met`, and where it is not met `reason` and `actual_value`.
    """
    steps: NotRequired[list[str] | None]
    """
    Ids of the steps that come first.
    """


class Waiting(TypedDict):
    run_id: str
    status: Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
    version: int
    allowed_actions: list[str]
    summary: str
    waits_for: list[Wait]


class Warned(TypedDict):
    field: str
    message: str


PlaybookId: TypeAlias = str


class WebhookChange(TypedDict):
    """
    What of a subscription is changed; what is left out stays.
    """

    url: NotRequired[str | None]
    event_types: NotRequired[
        list[
            Literal[
                "*",
                "approval_recorded",
                "automation_attempt_failed",
                "automation_fell_back",
                "automation_requested",
                "data_updated",
                "encrypted_data_erased",
                "late_result_recorded",
                "notification_failed",
                "notification_sent",
                "reminder_due",
                "run_blocked",
                "run_cancelled",
                "run_completed",
                "run_created",
                "run_failed",
                "run_overdue",
                "run_paused",
                "run_reopened",
                "run_resumed",
                "run_unblocked",
                "step_assigned",
                "step_blocked",
                "step_cancelled",
                "step_completed",
                "step_escalated",
                "step_failed",
                "step_offered",
                "step_overdue",
                "step_released",
                "step_retried",
                "step_skipped",
                "step_started",
                "steps_returned",
            ]
        ]
        | None
    ]
    playbook_ids: NotRequired[list[PlaybookId] | None]
    description: NotRequired[str | None]
    contact: NotRequired[str | None]
    status: NotRequired[Literal["active", "paused"] | None]


class WebhookDeleted(TypedDict):
    webhook_id: str
    status: Literal["deleted"]


class WebhookDraft(TypedDict):
    """
    A subscription as its owner wants it.
    """

    url: str
    event_types: list[
        Literal[
            "*",
            "approval_recorded",
            "automation_attempt_failed",
            "automation_fell_back",
            "automation_requested",
            "data_updated",
            "encrypted_data_erased",
            "late_result_recorded",
            "notification_failed",
            "notification_sent",
            "reminder_due",
            "run_blocked",
            "run_cancelled",
            "run_completed",
            "run_created",
            "run_failed",
            "run_overdue",
            "run_paused",
            "run_reopened",
            "run_resumed",
            "run_unblocked",
            "step_assigned",
            "step_blocked",
            "step_cancelled",
            "step_completed",
            "step_escalated",
            "step_failed",
            "step_offered",
            "step_overdue",
            "step_released",
            "step_retried",
            "step_skipped",
            "step_started",
            "steps_returned",
        ]
    ]
    playbook_ids: NotRequired[list[PlaybookId]]
    description: NotRequired[str]
    contact: NotRequired[str | None]


class WebhookEnabling(TypedDict):
    organization_id: str
    action: NotRequired[Literal["enable"]]


class WebhookNote(TypedDict):
    type: Literal["webhook_created", "webhook_changed", "webhook_enabled", "webhook_disabled", "secret_rotated"]
    at: str
    by: str
    reason: NotRequired[str | None]


class WebhookOutline(TypedDict):
    webhook_id: str
    organization_id: str
    url: str
    event_types: list[str]
    playbook_ids: list[str]
    """
    Empty: runs of all playbooks.
    """
    description: str
    contact: str | None
    status: Literal["active", "paused", "disabled"]
    status_reason: str | None
    """
    Why it is paused or disabled.
    """
    failing_since: str | None
    """
    The first of the tries at this address that have all failed since.
    """
    secret_version: int
    old_secrets: list[OldSecret]
    revision: int
    """
    Its ETag.
    """
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str
    warnings: NotRequired[list[Warned]]
    """
    Of what was created or changed: what is taken as it is, and is probably a mistake.
    """


class WebhookPage(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    webhooks: list[WebhookOutline]


class WebhookTest(TypedDict):
    organization_id: str
    action: NotRequired[Literal["test"]]


class WebhookUpdate(TypedDict):
    organization_id: str
    action: NotRequired[Literal["update"]]
    webhook: WebhookChange


class WebhookWithSecret(TypedDict):
    webhook_id: str
    organization_id: str
    url: str
    event_types: list[str]
    playbook_ids: list[str]
    """
    Empty: runs of all playbooks.
    """
    description: str
    contact: str | None
    status: Literal["active", "paused", "disabled"]
    status_reason: str | None
    """
    Why it is paused or disabled.
    """
    failing_since: str | None
    """
    The first of the tries at this address that have all failed since.
    """
    secret_version: int
    old_secrets: list[OldSecret]
    revision: int
    """
    Its ETag.
    """
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str
    warnings: NotRequired[list[Warned]]
    """
    Of what was created or changed: what is taken as it is, and is probably a mistake.
    """
    secret: str | None
    """
    `whsec_` and Base64. Shown here and never again; null where it is over already, or the webhook deleted.
    """


class AnalyticsFilters(TypedDict):
    """
    What is left out lets everything through.
    """

    date_range: NotRequired[DateRange | None]
    playbook_ids: NotRequired[list[str] | None]
    statuses: NotRequired[list[Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]] | None]
    entity_types: NotRequired[list[str] | None]


class AnalyticsQuery(TypedDict):
    """
    Checked by the service that answers it; here for the documentation.
    """

    organization_id: str
    filters: NotRequired[AnalyticsFilters | None]
    group_by: NotRequired[
        list[Literal["outcome", "week", "day", "month", "status", "playbook", "entity_type", "priority"]] | None
    ]
    metrics: NotRequired[list[Literal["count", "duration", "sla_compliance"]] | None]


class AutomationConfig(TypedDict):
    """
    How an automated step is done. Other fields are passed on to whoever does it.
    """

    api_endpoint: NotRequired[str | None]
    """
    Path below the organization's base address, or an absolute address that the operator allows. Without it the step is a job for an external worker.
    """
    auth: NotRequired[CallAuth | None]
    sensitive_fields: NotRequired[list[str] | None]
    """
    Encrypted fields that the endpoint is sent in clear.
    """
    retry_attempts: NotRequired[int | None]
    """
    Default 3.
    """
    timeout_seconds: NotRequired[float | None]
    """
    Of one attempt; of a call 30.
    """
    lease_seconds: NotRequired[float | None]
    """
    Of workers, 60.
    """
    fallback_to_manual: NotRequired[bool | None]
    """
    People take over where all attempts fail.
    """
    auto_approve_limit: NotRequired[float | None]
    """
    Held against `financial_controls`.
    """
    trigger: NotRequired[Literal["on_previous_completion"] | None]


class BulkResult(TypedDict):
    """
    What a run has answered to a bulk operation's signal.
    """

    run_id: str
    status: Literal["pending", "succeeded", "failed"]
    at: str
    error: NotRequired[ErrorBody | None]


class BulkResults(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    results: list[BulkResult]


class Calendar(TypedDict):
    calendar: str
    revision: int
    deleted: bool
    updated_at: str
    updated_by: str
    comment: str | None
    document: CalendarDocument


class CalendarHistory(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    revisions: list[Calendar]


class Calendars(TypedDict):
    calendars: list[Calendar]


class DelegationCreation(TypedDict):
    organization_id: str
    action: NotRequired[Literal["create"]]
    delegation: DelegationRequest


class ErrorAnswer(TypedDict):
    success: Literal[False]
    error: ErrorBody


class MetricsBody(TypedDict):
    execution_stats: ExecutionStats
    step_performance: list[StepPerformance]
    outcome_distribution: dict[str, int]
    """
    Sums to `total_runs`.
    """
    sla_compliance: SlaCompliance
    user_performance: list[UserPerformance]


class Playbook(TypedDict):
    playbook_id: str
    revision: int
    organization_id: str
    name: str
    description: str | None
    smart_code: str
    type: str
    category: str | None
    version: str
    metadata: dict[str, Any]
    created_at: str
    created_by: str
    status: Literal["active", "archived"]
    updated_at: str
    updated_by: str
    metrics: PlaybookSize
    steps: list[StepDefinition]
    revisions: list[RevisionNote]
    """
    Oldest first; each can be read at `…/revisions/{revision}`.
    """


class PlaybookMetadata(TypedDict):
    """
    What a playbook's metadata can say. Other fields are kept and shown.
    """

    sla_hours: NotRequired[float | None]
    """
    From a run's start to its end.
    """
    estimated_duration_minutes: NotRequired[float | None]
    auto_escalation: NotRequired[bool | None]
    """
    Overdue steps without an `escalation` of their own are escalated by themselves.
    """
    escalation: NotRequired[Escalation | None]
    reminders: NotRequired[list[Reminder] | None]
    """
    Of steps that have none.
    """
    calendar: NotRequired[str | None]


class PlaybookMetrics(TypedDict):
    playbook_id: str
    playbook_name: str | None
    period: str
    metrics: MetricsBody


class PlaybookOutline(TypedDict):
    """
    A playbook's current revision, without its steps.
    """

    playbook_id: str
    revision: int
    organization_id: str
    name: str
    description: str | None
    smart_code: str
    type: str
    category: str | None
    version: str
    metadata: dict[str, Any]
    created_at: str
    created_by: str
    status: Literal["active", "archived"]
    updated_at: str
    updated_by: str
    metrics: PlaybookSize


class PlaybookPage(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    playbooks: list[PlaybookOutline]


class PlaybookValidation(TypedDict):
    smart_code_valid: bool
    steps_valid: bool
    conditions_valid: bool
    warnings: NotRequired[list[Warned]]


class Policies(TypedDict):
    policies: list[Policy]


class PolicyTrialReport(TypedDict):
    policy: str
    document: dict[str, Any]
    playbooks: TriedPlaybooks
    runs: TriedRuns


class Revision(TypedDict):
    """
    A playbook as one of its revisions had it.
    """

    playbook_id: str
    revision: int
    organization_id: str
    name: str
    description: str | None
    smart_code: str
    type: str
    category: str | None
    version: str
    metadata: dict[str, Any]
    created_at: str
    created_by: str
    steps: list[StepDefinition]


class Run(TypedDict):
    run_id: str
    playbook_id: str
    status: Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
    current_step: int | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    smart_code: str | None
    steps_status: list[RunStep]
    outcome: str | None
    priority: str
    progress_percentage: float
    due_at: str | None
    sla_breached: bool
    """
    `due_at` has passed, the run still open.
    """
    paused_until: str | None
    playbook_name: str
    playbook_version: str
    playbook_revision: int
    version: int
    """
    Number of its events so far; its ETag.
    """
    allowed_actions: list[str]
    """
    What its status lets anybody do; who may is another matter.
    """
    created_by: str
    updated_at: str
    context: dict[str, Any]
    data: dict[str, Any]
    """
    Initial data, with each completion's data merged over it in order.
    """
    metadata: dict[str, Any]


class RunCreation(TypedDict):
    organization_id: str
    action: NotRequired[Literal["create"]]
    run: RunRequest


class RunDataErased(TypedDict):
    """
    `timeline_entry` is null where there was nothing to erase.
    """

    run_id: str
    erased_fields: list[str]
    keys_destroyed: list[str]
    """
    Their ids.
    """
    timeline_entry: TimelineLine | None


class RunFigures(TypedDict):
    """
    Those of the three that were asked for.
    """

    count: NotRequired[int | None]
    duration: NotRequired[RunDurations | None]
    sla_compliance: NotRequired[SlaShare | None]


class RunGroup(TypedDict):
    count: NotRequired[int | None]
    duration: NotRequired[RunDurations | None]
    sla_compliance: NotRequired[SlaShare | None]
    key: dict[str, str | None]
    """
    The value of each name in `group_by`; a week is an ISO week such as `2024-W03`.
    """


class RunPage(TypedDict):
    next: str | None
    """
    `cursor` of the next page; null on the last. It goes with the same filters and order only.
    """
    total: int
    """
    Of the whole list.
    """
    total_is_exact: bool
    """
    False where there are more than `total`.
    """
    runs: list[Run]


class RunStarted(TypedDict):
    run_id: str
    playbook_id: str
    status: Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
    current_step: int | None
    created_at: str
    started_at: str | None
    smart_code: str | None
    steps_status: list[StepRow]
    timeline: list[TimelineLine]


class RunUpdated(TypedDict):
    run_id: str
    status: Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
    priority: str
    version: int
    updated_at: str
    fields_updated: list[str]
    """
    Those of `metadata` as `metadata.<name>`; empty where nothing was sent.
    """
    timeline_entry: TimelineLine | None


class SecretPut(TypedDict):
    organization_id: str
    action: NotRequired[Literal["update"]]
    secret: SecretValue


class Signal(TypedDict):
    """
    A signal as REST's body and a Kafka message both carry it. What it has beyond these fields is refused by name.
    """

    type: Literal["pause", "resume", "cancel", "retry", "skip", "escalate", "reassign", "event"]
    reason: NotRequired[str | None]
    issued_by: NotRequired[str | None]
    metadata: NotRequired[SignalMetadata]
    pause_until: NotRequired[str | None]
    step_id: NotRequired[str | None]
    escalate_to: NotRequired[list[str]]
    assignee: NotRequired[str | None]
    name: NotRequired[str | None]
    data: NotRequired[dict[str, Any]]


class Signalled(TypedDict):
    signal_id: str
    run_id: str
    signal_type: str
    previous_status: Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
    new_status: Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
    paused_until: NotRequired[str | None]
    affected_steps: list[AffectedStep]
    timeline_entry: TimelineLine | None


class StepAssignment(TypedDict):
    """
    `timeline_entry` is null where it was so already.
    """

    step_id: str
    sequence: int
    status: Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]
    assigned_to: NotRequired[str | None]
    candidates: NotRequired[list[str] | None]
    """
    Users who are named for it, of whom any may act.
    """
    substitutes: NotRequired[list[str] | None]
    """
    Who may act just now for those whom it names.
    """
    started_at: NotRequired[str | None]
    due_at: NotRequired[str | None]
    step_name: NotRequired[str | None]
    step_type: NotRequired[str | None]
    execution_mode: NotRequired[Literal["manual", "automated"] | None]
    assignee_roles: NotRequired[list[str] | None]
    can_complete: NotRequired[bool | None]
    """
    Whether the caller may complete it.
    """
    waits_for: NotRequired[list[dict[str, Any]] | None]
    """
    Of a blocked step: the conditions that do not hold, and why.
    """
    form_fields: NotRequired[list[dict[str, Any]] | None]
    approval_options: NotRequired[list[dict[str, Any]] | None]
    metadata: NotRequired[dict[str, Any] | None]
    """
    What else the step's definition says: checklists, outputs, hints.
    """
    data: NotRequired[dict[str, Any] | None]
    left_out: NotRequired[list[str] | None]
    """
    Fields that are left out because they are large: read the step, or the run.
    """
    run_id: str
    timeline_entry: TimelineLine | None


class StepCompleted(TypedDict):
    step_id: str
    status: Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]
    completed_at: NotRequired[str | None]
    completed_by: NotRequired[str | None]
    duration_minutes: NotRequired[float | None]
    outcome: NotRequired[str | None]
    on_behalf_of: NotRequired[str | None]
    """
    Whose substitute completed it, or voted.
    """
    approvals: NotRequired[dict[str, Any] | None]
    """
    The tally of a step that needs several approvals.
    """
    next_steps: list[NextStep]
    next_steps_total: NotRequired[int | None]
    """
    How many are open, where `next_steps` has the first of them only.
    """
    run_status: RunProgress
    timeline_entry: TimelineLine | None


class StepDraft(TypedDict):
    """
    A step as a user sends it.
    """

    name: str
    description: NotRequired[str | None]
    smart_code: NotRequired[str | None]
    step_type: NotRequired[Literal["form", "task", "approval", "automated"]]
    sequence: int
    is_required: NotRequired[bool]
    parallel_allowed: NotRequired[bool]
    assignee_roles: NotRequired[list[str]]
    timeout_minutes: NotRequired[float | None]
    conditions: NotRequired[StepConditions]
    automation_config: NotRequired[AutomationConfig | None]
    metadata: NotRequired[StepMetadata]


class Timeline(TypedDict):
    run_id: str
    timeline: list[TimelineEvent]
    summary: TimelineSummary


class Webhook(TypedDict):
    webhook_id: str
    organization_id: str
    url: str
    event_types: list[str]
    playbook_ids: list[str]
    """
    Empty: runs of all playbooks.
    """
    description: str
    contact: str | None
    status: Literal["active", "paused", "disabled"]
    status_reason: str | None
    """
    Why it is paused or disabled.
    """
    failing_since: str | None
    """
    The first of the tries at this address that have all failed since.
    """
    secret_version: int
    old_secrets: list[OldSecret]
    revision: int
    """
    Its ETag.
    """
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str
    warnings: NotRequired[list[Warned]]
    """
    Of what was created or changed: what is taken as it is, and is probably a mistake.
    """
    events: list[WebhookNote]
    """
    What happened to it, the newest first; the last 50.
    """


class WebhookCreation(TypedDict):
    organization_id: str
    action: NotRequired[Literal["create"]]
    webhook: WebhookDraft


class BulkSignal(TypedDict):
    organization_id: str
    action: NotRequired[Literal["bulk_signal"]]
    filter: RunSelection
    signal: Signal


class Evidence(TypedDict):
    run_id: str
    timeline: list[TimelineEvent]
    summary: TimelineSummary
    format: str
    organization_id: str
    exported_at: str
    exported_by: str
    run: Run
    playbook: Revision
    events: list[dict[str, Any]]
    """
    As they were written, in order, each with `hash` and `previous_hash`.
    """
    verification: ChainVerification


class PlaybookChecked(TypedDict):
    """
    Of a dry run: nothing was written.
    """

    validation: PlaybookValidation
    metrics: PlaybookSize


class PlaybookCreated(TypedDict):
    playbook_id: str
    smart_code: str
    version: str
    status: Literal["active", "archived"]
    created_at: str
    created_by: str
    organization_id: str
    validation: PlaybookValidation
    metrics: PlaybookSize


class PlaybookDraft(TypedDict):
    """
    A playbook as a user sends it.
    """

    name: str
    description: NotRequired[str | None]
    smart_code: str
    type: NotRequired[str]
    category: NotRequired[str | None]
    version: NotRequired[str]
    metadata: NotRequired[PlaybookMetadata]
    steps: NotRequired[list[StepDraft]]


class PlaybookRevised(TypedDict):
    playbook_id: str
    smart_code: str
    version: str
    status: Literal["active", "archived"]
    created_at: str
    created_by: str
    organization_id: str
    validation: PlaybookValidation
    metrics: PlaybookSize
    revision: int
    updated_at: str
    updated_by: str


class PlaybookRevision(TypedDict):
    organization_id: str
    action: NotRequired[Literal["update"]]
    playbook: PlaybookDraft


class RunAnalytics(TypedDict):
    groups: list[RunGroup]
    totals: RunFigures
    filters: dict[str, Any]
    group_by: list[str]
    metrics: list[str]


class RunSignal(TypedDict):
    organization_id: str
    action: NotRequired[Literal["signal"]]
    signal: Signal


class PlaybookCreation(TypedDict):
    organization_id: str
    action: NotRequired[Literal["create"]]
    playbook: PlaybookDraft
