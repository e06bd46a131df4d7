"""The organisation's policies over what a playbook may do by itself."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from contracts.definitions import PlaybookDraft, StepDraft
from contracts.policies import FinancialControls, OrganizationPolicies
from contracts.rejections import Code
from services.playbook_registry.domain.faults import Fault
from services.playbook_registry.domain.values import is_number

S = TypeVar("S", bound=StepDraft)


def faults(draft: PlaybookDraft, policies: OrganizationPolicies) -> Iterator[Fault]:
    for _, details in violations(draft.steps, policies):
        yield Fault(Code.POLICY_VIOLATION, "Playbook violates organization policies", details)


def violations(steps: Sequence[S], policies: OrganizationPolicies) -> Iterator[tuple[S, dict[str, Any]]]:
    """The steps that break a policy, each with what it breaks."""
    controls = policies.financial_controls
    for step in steps:
        requested = (step.automation_config or {}).get("auto_approve_limit")
        if is_number(requested) and requested > controls.auto_approve_limit:
            yield step, _limit_exceeded(controls, requested)


def _limit_exceeded(controls: FinancialControls, requested: Any) -> dict[str, Any]:
    limit = controls.auto_approve_limit
    shown = int(limit) if limit == int(limit) else limit
    return {
        "policy": "financial_controls",
        "violation": "auto_approve_limit_exceeded",
        "max_allowed": shown,
        "requested": requested,
        "policy_id": controls.policy_id,
        "remediation": f"Automated approvals cannot exceed ${shown:,} without manual oversight",
    }
