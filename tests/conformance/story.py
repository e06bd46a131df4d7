"""The reference's requests in an order in which each finds what it names, sent as they stand there."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt

from contracts.values import rfc3339
from deploy.local.waiting import until
from tests.conformance import reference
from tests.conformance.reference import Example

CREATE = "Create Playbook with Inlined Steps: Request"
START = "Create Playbook Run: Request"
COMPLETE = "Execute Step Completion: Request"
PAUSE = "Send Signals to Runs: Request - Pause Run"
CANCEL = "Send Signals to Runs: Request - Cancel Run"
TIMELINE = "Query Run Timeline: Request"
METRICS = "Get Metrics and Analytics: Request - Playbook Performance Metrics"
ANALYTICS = "Get Metrics and Analytics: Request - Run Analytics"
EDGES = "Edge Cases and Validation Examples"
SMART_CODE = f"{EDGES}: Invalid Smart Code"
NO_ORGANIZATION = f"{EDGES}: Missing Organization ID"
CONTRACT = f"{EDGES}: Contract Validation Failure"
POLICY = f"{EDGES}: Policy Violation"
CYCLE = f"{EDGES}: Circular Step Dependencies"
SCENARIOS = tuple(e.name for e in reference.examples() if e.name.startswith("Real-World Scenarios: "))

STEP_SMART_CODE = f"{CREATE} (with the bad step of its error response)"
ANALYTICS_NOW = f"{ANALYTICS} (over the days of this test)"

TOLD_SECONDS = 30.0
_ORGANIZATION = re.compile(r"\b([a-z]+)_[0-9a-f]{3}e4567-e89b-12d3-a456-426614174000\b")
_MAIN = "org_123e4567-e89b-12d3-a456-426614174000"
_RESUME, _FROM, _TO = "2024-01-20T09:00:00Z", "2024-01-01T00:00:00Z", "2024-01-31T23:59:59Z"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent, what came back, and what the reference shows of it, with the ids that are in force here."""

    name: str
    body: Any
    status: int
    headers: Mapping[str, str]
    answer: Any
    expected: Any

    @property
    def data(self) -> Any:
        assert self.answer["success"], f"{self.name} came to {self.answer}"
        return self.answer["data"]


class Story:
    """Sends examples and keeps the exchanges by name."""

    def __init__(self, http: httpx.AsyncClient, secret: str) -> None:
        self.http = http
        self._secret = secret
        self._known = {_RESUME: rfc3339(datetime.now(UTC) + timedelta(days=5))}
        """From what the reference has to what it is here."""
        for organization in {m[0] for m in _ORGANIZATION.finditer(reference.SOURCE.read_text())}:
            prefix = organization.split("_")[0]
            # The main one and the scenarios' differ by prefix, so that each example finds its own again.
            self._known[organization] = f"{prefix}_{uuid.uuid4()}"
        self.exchanges: dict[str, Exchange] = {}

    @property
    def organization_id(self) -> str:
        return self._known[_MAIN]

    def learn(self, here: str, *in_reference: str) -> None:
        """An id that the reference has is this one here."""
        self._known |= dict.fromkeys(in_reference, here)

    def translated(self, value: Any) -> Any:
        """With the ids of this story in place of the reference's; the longest first, some are others' beginnings."""
        text = json.dumps(value)
        for known in sorted(self._known, key=len, reverse=True):
            text = text.replace(f'"{known}"', f'"{self._known[known]}"').replace(
                f"/{known}/", f"/{self._known[known]}/"
            )
        return json.loads(text)

    def token(self, subject: str, roles: Sequence[str], organization_id: str | None = None, **claims: Any) -> str:
        """The claims of the reference, for this subject with these roles."""
        now = int(time.time())
        whole = {
            **reference.token_claims(),
            "sub": subject,
            "roles": list(roles),
            "organization_id": organization_id or self.organization_id,
            "iat": now,
            "exp": now + 3600,
            **claims,
        }
        return jwt.encode(whole, self._secret, algorithm="HS256")

    async def send(self, example: Example, subject: str, *roles: str, shown: int = 0) -> Exchange:
        """`shown` is the number of the response that the reference gives for this request."""
        body = self.translated(example.request.body)
        organization_id = (body or {}).get("organization_id", self.organization_id)
        expected = self.translated(example.responses[shown]) if len(example.responses) > shown else None
        answer = await self._send(
            example.request.method,
            self.translated(example.request.target),
            {**example.request.headers, "Authorization": f"Bearer {self.token(subject, roles, organization_id)}"},
            body,
        )
        exchange = Exchange(example.name, body, answer.status_code, answer.headers, answer.json(), expected)
        self.exchanges[example.name] = exchange
        return exchange

    async def post(self, path: str, subject: str, role: str, body: Mapping[str, Any]) -> Any:
        """A request beside the reference's own, which must succeed."""
        return await self.post_with(self.token(subject, [role]), path, body)

    async def post_with(self, token: str, path: str, body: Mapping[str, Any]) -> Any:
        return await self._beside("POST", path, token, body)

    async def get(self, path: str, subject: str, role: str) -> Any:
        return await self._beside("GET", path, self.token(subject, [role]), None)

    async def put(self, path: str, subject: str, role: str, body: Mapping[str, Any]) -> Any:
        return await self._beside("PUT", path, self.token(subject, [role]), body)

    async def patch(self, path: str, subject: str, role: str, body: Mapping[str, Any]) -> Any:
        return await self._beside("PATCH", path, self.token(subject, [role]), body)

    async def _beside(self, method: str, path: str, token: str, body: Mapping[str, Any] | None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        whole = {"organization_id": self.organization_id, **body} if body is not None else None
        answer = await self._send(method, path, headers, whole)
        content = answer.json()
        assert content["success"], f"{method} {path} came to {content}"
        return content["data"]

    async def _send(self, method: str, target: str, headers: Mapping[str, str], body: Any) -> httpx.Response:
        content = None if body is None else json.dumps(body).encode()
        return await self.http.request(method, target, headers=headers, content=content)


async def tell(story: Story) -> None:
    """All requests of the reference."""
    await _playbooks(story)
    await _run(story)
    await _more_runs(story)
    await story.send(reference.example(METRICS), "user_123", "playbook_admin")
    await _analytics(story)


async def _playbooks(story: Story) -> None:
    author = ("user_123", "playbook_admin", "sales_manager")
    create = reference.example(CREATE)
    created = await story.send(create, *author)
    story.learn(created.data["playbook_id"], created.expected["data"]["playbook_id"], "pb_123e4567")
    await story.send(_with_bad_step(create), *author, shown=1)
    for name in (*SCENARIOS, SMART_CODE, NO_ORGANIZATION, POLICY, CYCLE):
        await story.send(reference.example(name), *author)


def _with_bad_step(create: Example) -> Example:
    """The reference shows the error without its request: the create, with what the error's details say was sent."""
    details = create.responses[1]["error"]["details"]
    found = re.fullmatch(r"steps\[(\d+)\]\.(\w+)", details["field"])
    assert found, details["field"]
    body = json.loads(json.dumps(create.request.body))
    body["playbook"]["steps"][int(found[1])][found[2]] = details["value"]
    request = reference.Request(create.request.method, create.request.target, create.request.headers, body)
    return Example(STEP_SMART_CODE, request, create.responses)


async def _run(story: Story) -> None:
    started = await story.send(reference.example(START), "sales_rep_001", "sales_rep")
    run_id = started.data["run_id"]
    story.learn(run_id, started.expected["data"]["run_id"], "run_456e7890")
    await _tell_contacts(story, run_id)
    await story.send(reference.example(COMPLETE), "sales_rep_001", "sales_rep")
    await _until_told(story, run_id)
    await story.send(reference.example(CONTRACT), "sales_manager_002", "sales_manager")
    await story.send(reference.example(PAUSE), "sales_manager_002", "sales_manager")
    await story.send(reference.example(TIMELINE), "sales_manager_002", "sales_manager")
    await story.send(reference.example(CANCEL), "sales_director_001", "sales_director")


async def _until_told(story: Story, run_id: str) -> None:
    """Until the next one's e-mail has left, which the run hears of by itself."""
    path = f"/api/v1/playbook-runs/{run_id}/timeline?include_system_events=true"

    async def is_told() -> bool:
        timeline = (await story.get(path, "sales_manager_002", "sales_manager"))["timeline"]
        return bool(timeline[-1]["event_type"] == "notification_sent")

    await asyncio.wait_for(until(is_told), TOLD_SECONDS)


async def _tell_contacts(story: Story, run_id: str) -> None:
    """What the reference's timeline has between start and completion, without showing its request."""
    sent = reference.example(COMPLETE).request.body["completion"]["data"]
    updated = next(
        e for e in reference.example(TIMELINE).responses[0]["data"]["timeline"] if e["event_type"] == "data_updated"
    )
    data = {name: sent[name] for name in updated["details"]["fields_updated"]}
    await story.patch(f"/api/v1/playbook-runs/{run_id}", "sales_rep_001", "sales_rep", {"run": {"data": data}})


async def _more_runs(story: Story) -> None:
    """Runs that end in every way, so that each number of the metrics counts something."""
    start = story.translated(reference.example(START).request.body)
    completion = story.translated(reference.example(COMPLETE).request.body)["completion"]
    runs = [
        (await story.post("/api/v1/playbook-runs", "sales_rep_001", "sales_rep", start))["run_id"] for _ in range(4)
    ]
    completed, rejected, failed, _ = runs
    for run_id in (completed, rejected):
        await _complete(story, run_id, 1, "sales_rep_001", "sales_rep", **completion)
    await _missed_sla(story, start)
    await _complete(story, failed, 1, "sales_rep_001", "sales_rep", outcome="failure")
    await _complete(story, rejected, 2, "sales_manager_002", "sales_manager", outcome="reject")
    data = {"qualification_status": "approved"}
    await _complete(story, completed, 2, "sales_manager_002", "sales_manager", outcome="approve", data=data)
    documents = [{"name": "technical_assessment_doc.pdf"}]
    assessed = {"integration_complexity": "low"}
    await _complete(
        story, completed, 3, "solution_architect_004", "solution_architect", data=assessed, attachments=documents
    )
    worker = story.token("contract_worker_001", [], permissions=["step:work"])
    await _complete_with(story, worker, completed, 4, data={"contract": "CUSTOM_CONTRACT_v1"})
    documents = [{"name": name} for name in ("technical_assessment", "risk_assessment", "financial_impact_analysis")]
    await _complete(story, completed, 5, "vp_sales_001", "vp_sales", outcome="approve", attachments=documents)


async def _missed_sla(story: Story, start: Mapping[str, Any]) -> None:
    """A run of a revision that nobody could be in time for; then the playbook is again as the reference has it."""
    sent = story.translated(reference.example(CREATE).request.body)["playbook"]
    path, author = f"/api/v1/playbooks/{start['run']['playbook_id']}", ("user_123", "playbook_admin")
    hurried = {**sent, "metadata": {**sent["metadata"], "sla_hours": 1e-6}}
    await story.put(path, *author, {"playbook": hurried})
    run_id = (await story.post("/api/v1/playbook-runs", "sales_rep_001", "sales_rep", start))["run_id"]
    completion = story.translated(reference.example(COMPLETE).request.body)["completion"]
    await _complete(story, run_id, 1, "sales_rep_001", "sales_rep", **completion)
    await _complete(story, run_id, 2, "sales_manager_002", "sales_manager", outcome="reject")
    await story.put(path, *author, {"playbook": sent})


async def _complete(story: Story, run_id: str, number: int, subject: str, role: str, **completion: Any) -> None:
    await _complete_with(story, story.token(subject, [role]), run_id, number, **completion)


async def _complete_with(story: Story, token: str, run_id: str, number: int, **completion: Any) -> None:
    path = f"/api/v1/playbook-runs/{run_id}/steps/step_{number:03d}/complete"
    await story.post_with(token, path, {"action": "complete", "completion": completion})


async def _analytics(story: Story) -> None:
    """As it stands, and once more over days in which something happened."""
    analytics = reference.example(ANALYTICS)
    await story.send(analytics, "user_123", "playbook_admin")
    today = datetime.now(UTC)
    story.learn(rfc3339(today - timedelta(days=1)), _FROM)
    story.learn(rfc3339(today + timedelta(days=1)), _TO)
    await story.send(Example(ANALYTICS_NOW, analytics.request, ()), "user_123", "playbook_admin")
