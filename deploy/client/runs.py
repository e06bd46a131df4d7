"""Runs: playbooks at work, and the steps of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from .shapes import (
    Access,
    Attachment,
    Evidence,
    Run,
    RunPage,
    RunRequest,
    RunStarted,
    RunUpdated,
    Signalled,
    Step,
    StepAssignment,
    StepCompleted,
    Timeline,
    Verification,
    Waiting,
)
from .transport import Transport

_STEP = "/playbook-runs/{}/steps/{}"


class Runs(Transport):
    async def start_run(self, run: RunRequest | Mapping[str, Any], key: str | None = None) -> RunStarted:
        """`run` holds `playbook_id` and what else the reference shows."""
        body = {"action": "create", "run": run}
        started: RunStarted = await self.command("POST", "/playbook-runs", body=body, key=key)
        return started

    async def run(self, run_id: str) -> Run:
        found: Run = await self.read("/playbook-runs/{}", run_id)
        return found

    async def runs(self, **query: Any) -> RunPage:
        """One page; takes `status`, `playbook_id`, `entity_id`, `assignee`, `sort`, `limit`, `cursor` and others."""
        page: RunPage = await self.read("/playbook-runs", **query)
        return page

    def each_run(self, **query: Any) -> AsyncIterator[Run]:
        """Of all pages; takes the filters of `runs`."""
        return self.pages("/playbook-runs", items="runs", **query)

    async def update_run(
        self,
        run_id: str,
        data: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        priority: str | None = None,
        if_match: str | None = None,
        key: str | None = None,
    ) -> RunUpdated:
        """Values are merged over those that are there. `if_match`: the run's version, in quotes."""
        change: dict[str, Any] = {"data": data or {}, "metadata": metadata or {}}
        body = {"action": "update", "run": change | ({"priority": priority} if priority else {})}
        updated: RunUpdated = await self.command(
            "PATCH", "/playbook-runs/{}", run_id, body=body, if_match=if_match, key=key
        )
        return updated

    async def why(self, run_id: str) -> Waiting:
        """What the run waits for."""
        waiting: Waiting = await self.read("/playbook-runs/{}/why", run_id)
        return waiting

    async def timeline(self, run_id: str, include_system_events: bool = False) -> Timeline:
        found: Timeline = await self.read(
            "/playbook-runs/{}/timeline", run_id, include_system_events=include_system_events
        )
        return found

    async def verify_timeline(self, run_id: str) -> Verification:
        """Whether the run's history is whole and unchanged."""
        verification: Verification = await self.read("/playbook-runs/{}/timeline/verification", run_id)
        return verification

    async def evidence(self, run_id: str) -> Evidence:
        """All that is known of the run, as one document that can be checked without the system."""
        evidence: Evidence = await self.read("/playbook-runs/{}/evidence", run_id)
        return evidence

    def each_access(self, run_id: str, **query: Any) -> AsyncIterator[Access]:
        """Returns who saw the run's encrypted fields, and which calls about it were refused; takes `outcome`."""
        return self.pages("/playbook-runs/{}/access-log", run_id, items="access_log", **query)

    async def signal(self, run_id: str, kind: str, key: str | None = None, **signal: Any) -> Signalled:
        """`kind` is the signal's type, such as `pause`; `signal` its other fields."""
        body = {"action": "signal", "signal": {"type": kind, **signal}}
        signalled: Signalled = await self.command("POST", "/playbook-runs/{}/signal", run_id, body=body, key=key)
        return signalled

    async def step(self, run_id: str, step_id: str) -> Step:
        """With its attempts."""
        found: Step = await self.read(_STEP, run_id, step_id)
        return found

    async def complete_step(
        self,
        run_id: str,
        step_id: str,
        outcome: str = "success",
        data: Mapping[str, Any] | None = None,
        attachments: Sequence[Attachment | Mapping[str, Any]] = (),
        next_step_assignments: Mapping[str, Sequence[str]] | None = None,
        key: str | None = None,
    ) -> StepCompleted:
        """Completes a step of people, or an automated one with a token that has `step:work` or `step:override`.

        Raises Forbidden where the token or the step does not allow it.
        """
        completion = {
            "outcome": outcome,
            "data": data or {},
            "attachments": attachments,
            "next_step_assignments": next_step_assignments or {},
        }
        body = {"action": "complete", "completion": completion}
        completed: StepCompleted = await self.command("POST", f"{_STEP}/complete", run_id, step_id, body=body, key=key)
        return completed

    async def claim_step(self, run_id: str, step_id: str, key: str | None = None) -> StepAssignment:
        claimed: StepAssignment = await self.command(
            "POST", f"{_STEP}/claim", run_id, step_id, body={"action": "claim"}, key=key
        )
        return claimed

    async def release_step(
        self, run_id: str, step_id: str, reason: str | None = None, key: str | None = None
    ) -> StepAssignment:
        body = {"action": "release", "reason": reason}
        released: StepAssignment = await self.command("POST", f"{_STEP}/release", run_id, step_id, body=body, key=key)
        return released
