"""The organisation's policies over what a playbook may do by itself."""

from collections.abc import Iterator
from typing import Any

from contracts.definitions import PlaybookDraft
from contracts.policies import FinancialControls, OrganizationPolicies
from contracts.rejections import Code
from services.playbook_registry.domain.faults import Fault
from services.playbook_registry.domain.values import is_number


def faults(draft: PlaybookDraft, policies: OrganizationPolicies) -> Iterator[Fault]:
    controls = policies.financial_controls
    for step in draft.steps:
        requested = (step.automation_config or {}).get("auto_approve_limit")
        if is_number(requested) and requested > controls.auto_approve_limit:
            yield _limit_exceeded(controls, requested)


def _limit_exceeded(controls: FinancialControls, requested: Any) -> Fault:
    limit = controls.auto_approve_limit
    shown = int(limit) if limit == int(limit) else limit
    details = {
        "policy": "financial_controls",
        "violation": "auto_approve_limit_exceeded",
        "max_allowed": shown,
        "requested": requested,
        "policy_id": controls.policy_id,
        "remediation": f"Automated approvals cannot exceed ${shown:,} without manual oversight",
    }
    return Fault(Code.POLICY_VIOLATION, "Playbook violates organization policies", details)
