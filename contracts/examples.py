"""An example of each message of the public topics, for the AsyncAPI document: one story of a payment and a contract."""

from typing import Any

_RUN = {
    "run_id": "run_456e7890-e89b-12d3-a456-426614174000",
    "organization_id": "org_123e4567-e89b-12d3-a456-426614174000",
}
_JOB = {**_RUN, "job_id": "job_8d2f41c6", "step_id": "step_004"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "SignalMessage": {
        **_RUN,
        "signal_id": "payment-2024-000123",
        "signal": {
            "type": "event",
            "name": "payment_received",
            "data": {"payment_status": "received", "amount": 750000},
            "issued_by": "billing",
        },
        "correlation_id": "req_7c1b",
    },
    "SignalOutcome": {
        **_RUN,
        "signal_id": "payment-2024-000123",
        "accepted": False,
        "rejection": {
            "code": "INVALID_STATE",
            "message": "Run run_456e7890-e89b-12d3-a456-426614174000 is completed",
            "details": {"field": "signal.type", "value": "event", "current_status": "completed", "allowed": []},
        },
        "at": "2024-01-15T14:00:00Z",
    },
    "RejectedSignal": {
        "reason": "signal.type: Field required",
        "errors": [{"field": "signal.type", "value": None, "reason": "Field required"}],
        "topic": "playbook.signals",
        "partition": 3,
        "offset": 1207,
        "key_base64": "cnVuXzQ1NmU3ODkw",
        "value_base64": "eyJzaWduYWwiOiB7fX0=",
        "at": "2024-01-15T14:00:00Z",
    },
    "WorkerJob": {
        **_JOB,
        "step_name": "Contract Preparation",
        "attempt_number": 1,
        "idempotency_key": "run_456e7890-e89b-12d3-a456-426614174000:step_004:1",
        "timeout_seconds": 300.0,
        "config": {"trigger": "on_previous_completion", "retry_attempts": 3, "timeout_seconds": 300},
        "data": {"company_name": "Acme Corporation", "estimated_deal_size": 750000},
        "context": {"entity_type": "customer", "entity_id": "cust_987654321"},
        "created_at": "2024-01-15T12:00:00Z",
    },
    "WorkerResult": {
        **_JOB,
        "outcome": "success",
        "data": {"contract_template": "CUSTOM_CONTRACT_v1"},
        "worker": "contracts-7",
    },
}
"""By message."""
