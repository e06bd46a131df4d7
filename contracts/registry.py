"""Every message that crosses a wire, by type and version, with its topic and the way up from older versions."""

from collections.abc import Callable
from typing import Any

from contracts import bulk, commands, events, jobs, organization_documents, replies, signals, topics, webhooks
from contracts.topics import Topic
from contracts.values import Contract

Payload = type[Contract]
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

ENVELOPED: dict[str, tuple[Payload, Topic]] = {
    **{c.__name__: (c, topics.RUN_COMMANDS) for c in commands.RUN_COMMANDS},
    **{c.__name__: (c, topics.REGISTRY_COMMANDS) for c in commands.REGISTRY_COMMANDS},
    **{c.__name__: (c, topics.REGISTRY_COMMANDS) for c in organization_documents.ORGANIZATION_COMMANDS},
    **{c.__name__: (c, topics.BULK_COMMANDS) for c in bulk.BULK_COMMANDS},
    **{c.__name__: (c, topics.NOTIFIER_COMMANDS) for c in webhooks.NOTIFIER_COMMANDS},
    **{e.__name__: (e, topics.RUN_EVENTS) for e in events.RUN_EVENTS},
    **{e.__name__: (e, topics.PLAYBOOK_EVENTS) for e in events.PLAYBOOK_EVENTS},
    **{e.__name__: (e, topics.POLICY_EVENTS) for e in organization_documents.ORGANIZATION_EVENTS},
    replies.Reply.__name__: (replies.Reply, topics.GATEWAY_REPLIES),
    jobs.AutomationJob.__name__: (jobs.AutomationJob, topics.AUTOMATION_JOBS),
    jobs.JobsOrder.__name__: (jobs.JobsOrder, topics.AUTOMATION_JOBS),
}
"""Payload class and topic of every type that travels in an envelope."""

PLAIN: dict[str, tuple[Any, Topic]] = {
    signals.SignalMessage.__name__: (signals.SignalMessage, topics.SIGNALS),
    signals.SignalOutcome.__name__: (signals.SignalOutcome, topics.SIGNALS_OUTCOMES),
    signals.RejectedSignal.__name__: (signals.RejectedSignal, topics.SIGNALS_REJECTED),
    jobs.WorkerJob.__name__: (jobs.WorkerJob, topics.WORKER_JOBS),
    jobs.WorkerResult.__name__: (jobs.WorkerResult, topics.WORKER_RESULTS),
}
"""Messages of the public topics: plain JSON, no envelope."""

UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""From (type, version) to the payload of the next version. A released version is never edited; it gets a way up."""


def version_of(payload: Any) -> int:
    version: int = payload.VERSION
    return version


def format_of(payload: Any) -> int:
    """Returns the format of its topic in which a message appeared: its class's FORMAT, else 1.

    A type that is added to an internal topic has the topic's next format, so that readers of an earlier version wait
    for their upgrade instead of setting it aside.
    """
    found: int = getattr(payload, "FORMAT", 1)
    return found


def topic_format(topic: str) -> int:
    """Returns the newest format of a topic that this version of the system knows."""
    return max((format_of(payload) for payload, where in ENVELOPED.values() if where.name == topic), default=1)


def upcast(type_name: str, version: int, data: dict[str, Any]) -> dict[str, Any]:
    """The payload brought up to the current version, one step at a time."""
    current = version_of(ENVELOPED[type_name][0])
    for step in range(version, current):
        data = UPCASTERS[type_name, step](data)
    return data
