"""The playbooks that are run under load."""

import uuid
from typing import Any

from tests.bench.client import Caller

STEPS = 5
NEEDED_INSTALLMENTS = 10


def human5() -> dict[str, Any]:
    """Five tasks in a row that anyone who may complete steps can take."""
    steps = [{"name": f"Task {n}", "step_type": "task", "sequence": n} for n in range(1, STEPS + 1)]
    return _playbook("Five human tasks", "HUMAN", steps)


def tasks(count: int) -> dict[str, Any]:
    return _playbook(f"{count} tasks", "TASKS", [{"name": f"Task {n}", "sequence": n} for n in range(1, count + 1)])


def installments() -> dict[str, Any]:
    """A task, and a step that is required and waits until all installments have come."""
    paid = {"field": "installments", "operator": ">=", "value": NEEDED_INSTALLMENTS}
    steps = [
        {"name": "Order", "step_type": "task", "sequence": 1},
        {"name": "Delivery", "step_type": "task", "sequence": 2, "conditions": {"pre": [paid], "on_unmet": "block"}},
    ]
    return _playbook("Delivery after payment", "INSTALLMENTS", steps)


def responses() -> dict[str, Any]:
    """A task that is overdue after as many seconds as the run's severity says."""
    times = {str(seconds): seconds / 60 for seconds in range(1, 301)}
    return _playbook("Response", "RESPONSE", [{"name": "Answer", "sequence": 1, "metadata": {"response_sla": times}}])


async def register(caller: Caller, playbook: dict[str, Any]) -> str:
    """The playbook's id."""
    async with caller.client() as client:
        return (await client.create_playbook(playbook))["playbook_id"]


def _playbook(name: str, segment: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    smart_code = f"HERA.BENCH.PLAYBOOK.{segment}.N{uuid.uuid4().hex[:12].upper()}.v1"
    return {"name": name, "smart_code": smart_code, "steps": [{**step, "is_required": True} for step in steps]}
