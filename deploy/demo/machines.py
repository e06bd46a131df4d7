"""What the machines behind the automated steps answer: contracts, insurers, test stations, bureaus, monitoring."""

from collections.abc import Callable
from typing import Any

from contracts.jobs import WorkerJob, WorkerResult

WORKER = "demo_worker"
DEFECTIVE = "defective"
"""The `unit_condition` with which the test station fails."""


def answer(job: WorkerJob) -> WorkerResult | None:
    """The result of a job; None for a step that none of these machines knows."""
    if job.step_name == "Functional Testing" and job.data.get("unit_condition") == DEFECTIVE:
        return _result(job, "failure", error="STATION_A7: the unit does not power on")
    work = _WORK.get(job.step_name)
    return _result(job, "success", data=work(job.data)) if work else None


def _result(job: WorkerJob, outcome: str, **rest: Any) -> WorkerResult:
    return WorkerResult.model_validate({
        "job_id": job.job_id, "run_id": job.run_id, "organization_id": job.organization_id, "step_id": job.step_id,
        "outcome": outcome, "worker": WORKER, **rest,
    })  # fmt: skip


def _contract(data: dict[str, Any]) -> dict[str, Any]:
    size = data["estimated_deal_size"]
    template = "STANDARD_CONTRACT_v3" if size < 100_000 else "ENTERPRISE_CONTRACT_v3"
    return {"contract_template": "CUSTOM_CONTRACT_v1" if size > 500_000 else template, "contract_value": size}


_WORK: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "Contract Preparation": _contract,
    "Insurance Verification": lambda _: {"insurance_status": "verified"},
    "Functional Testing": lambda data: {"test_result": "passed", "total_defects": data.get("defects", 0)},
    "Credit Analysis": lambda _: {"credit_score": 742, "risk_rating": 4},
    "Incident Detection": lambda _: {"classification": "infrastructure", "ticket": "INC-1042"},
}
