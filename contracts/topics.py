"""The Kafka topics: name, key, who writes, who reads, how long it keeps. Brokers are set up by it."""

from dataclasses import dataclass, replace
from typing import Literal

DAY = 24 * 3600
FOREVER = -1
OTHERS = frozenset({"other systems", "external workers"})
"""Writers that are not services of this system."""


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    key: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    purpose: str
    retention_seconds: int = 7 * DAY
    """FOREVER, or seconds."""
    cleanup: Literal["delete", "compact"] = "delete"
    partitions: int | None = None
    """None: as many as the installation sets (KAFKA_PARTITIONS)."""
    public: bool = False

    @property
    def parked(self) -> str:
        """Where a record of this topic is put, with its reason, that its reader can't take."""
        return f"{self.name}.parked"

    @property
    def written_by_others(self) -> bool:
        """Whether producers write to it that may compress, use transactions, and abort them."""
        return not OTHERS.isdisjoint(self.writers)

    def group(self, service: str) -> str:
        """The consumer group in which the instances of a service read it."""
        return f"{service}.{self.name}"


RUN_COMMANDS = Topic(
    "run.commands", "run id", ("gateway", "run_engine", "automation", "notifier"), ("run_engine",),
    "Commands to runs: the only way to change one",
)  # fmt: skip
RUN_EVENTS = Topic(
    "run.events", "run id", ("run_engine",), ("timeline", "analytics", "notifier"),
    "What happened to runs, in order of each run's sequence", retention_seconds=FOREVER,
)  # fmt: skip
REGISTRY_COMMANDS = Topic(
    "registry.commands", "playbook id, delegation id, or a document's kind and name", ("gateway",),
    ("playbook_registry",), "Commands to playbooks, and to documents of organisations",
)  # fmt: skip
BULK_COMMANDS = Topic(
    "bulk.commands", "operation id", ("gateway",), ("run_engine",), "Signals to many runs at once",
)  # fmt: skip
NOTIFIER_COMMANDS = Topic(
    "notifier.commands", "webhook id", ("gateway",), ("notifier",), "Commands to subscriptions of webhooks",
)  # fmt: skip
PLAYBOOK_EVENTS = Topic(
    "playbook.events", "playbook id", ("playbook_registry",), ("analytics",),
    "Each playbook's current revision", retention_seconds=FOREVER, cleanup="compact",
)  # fmt: skip
POLICY_EVENTS = Topic(
    "policy.events", "organisation, kind and name", ("playbook_registry",), ("run_engine", "notifier"),
    "What organisations have set: the current revision of each document", retention_seconds=FOREVER, cleanup="compact",
)  # fmt: skip
GATEWAY_REPLIES = Topic(
    "gateway.replies", "command id", ("run_engine", "playbook_registry", "notifier"), ("gateway",),
    "Answers to commands; each gateway instance reads one partition", retention_seconds=3600, partitions=16,
)  # fmt: skip
AUTOMATION_JOBS = Topic(
    "automation.jobs", "run id", ("run_engine",), ("automation",),
    "Attempts at automated steps, and which of them wait or are withdrawn",
)  # fmt: skip
WORKER_JOBS = Topic(
    "worker.jobs", "run id", ("automation",), ("external workers",),
    "Automated steps for external workers", public=True,
)  # fmt: skip
WORKER_RESULTS = Topic(
    "worker.results", "run id", ("external workers",), ("automation",),
    "What external workers answer, and that they are still at work", public=True,
)  # fmt: skip
SIGNALS = Topic(
    "playbook.signals", "run id", ("other systems",), ("run_engine",),
    "Signals to runs from other systems", public=True,
)  # fmt: skip
SIGNALS_REJECTED = Topic(
    "playbook.signals.rejected", "partition:offset", ("run_engine",), ("other systems",),
    "Messages of playbook.signals that are no valid signal", retention_seconds=30 * DAY, public=True,
)  # fmt: skip
SIGNALS_OUTCOMES = Topic(
    "playbook.signals.outcomes", "run id", ("run_engine",), ("other systems",),
    "What became of each signal that says whose it is, with REST's codes and details", public=True,
)  # fmt: skip

_WITHOUT_PARKING = (SIGNALS, SIGNALS_REJECTED, SIGNALS_OUTCOMES, WORKER_JOBS)


def signal_topic(name: str) -> Topic:
    """Returns a topic of one source of signals, for which only that source may write."""
    return replace(SIGNALS, name=name)


def _parking(topic: Topic) -> Topic:
    return Topic(
        topic.parked, topic.key, topic.readers, ("operators",), f"Records of {topic.name} that could not be taken",
        retention_seconds=30 * DAY, partitions=1,
    )  # fmt: skip


MAIN_TOPICS: tuple[Topic, ...] = (
    RUN_COMMANDS, RUN_EVENTS, BULK_COMMANDS, REGISTRY_COMMANDS, NOTIFIER_COMMANDS, PLAYBOOK_EVENTS, POLICY_EVENTS,
    GATEWAY_REPLIES,
    AUTOMATION_JOBS, WORKER_JOBS, WORKER_RESULTS, SIGNALS, SIGNALS_REJECTED, SIGNALS_OUTCOMES,
)  # fmt: skip
TOPICS: tuple[Topic, ...] = MAIN_TOPICS + tuple(_parking(t) for t in MAIN_TOPICS if t not in _WITHOUT_PARKING)
