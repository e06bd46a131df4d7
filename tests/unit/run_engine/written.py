"""What commands leave behind: each is also taken as the loop takes it, and all that comes of it is kept as text."""

from dataclasses import dataclass
from typing import Any

import orjson
from bson import encode

from contracts import topics
from contracts.commands import Command, CompleteStep
from contracts.jobs import AutomationJob
from contracts.rejections import Rejection
from services.automation.results import worker_message
from services.automation.store import StoredJob
from services.run_engine.documents import to_document
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.views import completion_view, masked_run, run_view, step_view, waiting_view
from services.run_engine.execution import StoredRun, Taken, take
from services.run_engine.task_rows import rows_of
from shared.messages import Message, OutgoingMessage, command_message, read
from tests.unit.run_engine.story import Story


@dataclass
class Published:
    """A command on run.commands."""

    value: bytes | None
    offset: int
    key: bytes | None = b"run_1"
    partition: int = 0
    topic: str = topics.RUN_COMMANDS.name
    timestamp: int = 0


class Written(Story):
    """A story that is written down as the engine would."""

    stored: StoredRun | None = None
    taken: int = 0

    def when(self, command: Command) -> "Written":
        super().when(command)
        self.last = self._take(command)
        self.stored = self.last.run or self.stored
        if not isinstance(self.answer, Rejection):
            assert self.stored is not None and self.stored.state == self.state
        return self

    def _take(self, command: Command) -> Taken:
        self.taken += 1
        sent = command_message(
            topics.RUN_COMMANDS.name, "run_1", command, message_id=f"cmd_{self.taken}", organization_id="org_1",
            correlation_id="req", time=self.now,
        )  # fmt: skip
        self.sent = sent.value
        message = read(Published(sent.value, self.taken))
        assert isinstance(message, Message), message
        return take(self.stored, message, self.definition, self.policies, self.now, self.clear)

    def traces(self, command: Command) -> dict[str, bytes]:
        """All that the last command left, and what anybody without a permission is shown afterwards; by place."""
        assert self.stored is not None
        messages, run = self.last.messages, masked_run(self.state, plan_of(self.definition))
        jobs = [message for message in messages if message.type == AutomationJob.__name__]
        return {
            "command": self.sent,
            "published": b"".join(message.value for message in messages),
            "answer": self.last.answer,
            "run": encode(to_document(self.stored)),
            "tasks": repr(rows_of(self.stored)).encode(),
            "worker": b"".join(_of_worker(job) for job in jobs),
            "shown": repr(self._shown(run, command)).encode(),
            "history": repr(self.history).encode(),
        }

    def _shown(self, run: Any, command: Command) -> list[Any]:
        plan = plan_of(self.definition)
        steps = [step_view(run, step, plan.by_id[step_id]) for step_id, step in run.steps.items()]
        shown = [run_view(run, plan), steps, waiting_view(self.state, self.situation), self.answer]
        if isinstance(command, CompleteStep) and not isinstance(self.answer, Rejection):
            shown.append(completion_view(self.state, self.situation, command.step_id, self.answer, command.caller))
        return shown


def _of_worker(message: OutgoingMessage) -> bytes:
    job = AutomationJob.model_validate(orjson.loads(message.value)["data"])
    told = orjson.loads(worker_message(StoredJob(job, "worker", "req", "cause", None)).value)
    assert "$encrypted" not in str(told["data"])
    return orjson.dumps(told)
