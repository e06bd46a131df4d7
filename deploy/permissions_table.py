"""docs/permissions.md: what each permission of a token allows, written from the operations of the API."""

from collections.abc import Iterable

from contracts.permissions import INCLUDED, RUN_DATA, RUN_UPDATE, SIGNAL_PERMISSIONS
from services.gateway.routes.operations import OPERATIONS

_HEAD = """# Permissions

What a token must name in `permissions`, made of the API's operations by `make schemas`. `run:*` stands for all that
begin with `run:`, and `*` for all there are. A call without the permission is 403 `FORBIDDEN`, which names it; what
belongs to another organization is 404.

| permission | allows |
| --- | --- |
"""
BESIDE = {
    "run:read_sensitive": "Read encrypted fields in clear, where `run:read` shows a mask",
    "step:override": "Complete or release any step, also in somebody's name; delegate, and end delegations, for others",
    "step:work": "Complete an automated step in place of its machine, as a worker over REST; no step of people's",
    "step:skip": "Skip any step, required ones too",
    **{permission: f"Send the signal `{signal}`" for signal, permission in SIGNAL_PERMISSIONS.items()},
    "run:escalate": "Send the signal `escalate`; to name an assignee requires `run:reassign` as well",
    "run:reassign": "Send the signal `reassign`; in a completion, take open steps from others and name oneself for any",
    "run:skip": "Send the signal `skip` to a step that is not required",
    RUN_DATA: "Update a run's data, metadata or priority",
}
"""What no operation asks for by itself."""
_FOOT = f"""
`{RUN_UPDATE}` includes {", ".join(f"`{one}`" for one in sorted(INCLUDED[RUN_UPDATE]))}.
It is nearly the right to approve: whoever may reassign or escalate a step can give it to themselves, and whoever may
change the data or send events can change what is approved. Give single permissions instead, and see the policy
[`step_roles`](run-semantics.md#policies), which requires a role of those who are assigned to a step too.

The role `playbook_admin` has `policy:read` and `policy:update` without naming them. Who may work on a step is the
step's affair: see [completing a step](run-semantics.md#completing-a-step). Signals from Kafka bring no token: they may
do what the run engine's `SIGNAL_PERMISSIONS` says, `{RUN_UPDATE}` by default.
"""


def permissions_table() -> str:
    allowed: dict[str, list[str]] = {}
    for operation in OPERATIONS:
        allowed.setdefault(operation.permission, []).append(operation.summary)
    rows = {permission: "; ".join(summaries) for permission, summaries in allowed.items()} | BESIDE
    return _HEAD + "".join(_rows(sorted(rows.items()))) + _FOOT


def _rows(rows: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (f"| `{permission}` | {what} |\n" for permission, what in rows)
