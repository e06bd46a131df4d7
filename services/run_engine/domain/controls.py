"""The financial controls over what machines approve: looked at when a run starts and when a step ends."""

from contracts.definitions import StepDefinition
from contracts.policies import FinancialControls
from contracts.rejections import Code, Rejection
from services.run_engine.domain.loose import is_number


def beyond_controls(step: StepDefinition, controls: FinancialControls) -> Rejection | None:
    """They may have become stricter since the playbook was made. What is no number lies beyond every limit."""
    requested = (step.automation_config or {}).get("auto_approve_limit")
    if requested is None or (is_number(requested) and requested <= controls.auto_approve_limit):
        return None
    limit = controls.auto_approve_limit
    shown = int(limit) if limit == int(limit) else limit
    return Rejection(
        code=Code.POLICY_VIOLATION,
        message="Playbook violates organization policies",
        details={
            "policy": "financial_controls",
            "violation": "auto_approve_limit_exceeded",
            "max_allowed": shown,
            "requested": requested,
            "policy_id": controls.policy_id,
            "remediation": f"Automated approvals cannot exceed ${shown:,} without manual oversight",
        },
    )
