"""The public Kafka topics as an AsyncAPI 3.0 document, made of the registry of messages."""

from typing import Any

from pydantic.json_schema import models_json_schema

from contracts.examples import EXAMPLES
from contracts.registry import PLAIN, version_of
from contracts.topics import FOREVER, Topic

_OUTSIDE = {"other systems", "external workers"}
_REF = "#/components/schemas/{model}"


def asyncapi(title: str, version: str) -> dict[str, Any]:
    """`send` and `receive` are said from the system's side, as AsyncAPI has it."""
    _, schemas = models_json_schema([(payload, "validation") for payload, _ in PLAIN.values()], ref_template=_REF)
    topics = {topic.name: topic for _, topic in PLAIN.values()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version, "description": "JSON messages, each keyed by its run's id."},
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic) for name, topic in topics.items()},
        "operations": {_operation_id(topic): _operation(topic) for topic in topics.values()},
        "components": {"messages": {name: _message(name) for name in PLAIN}, "schemas": schemas["$defs"]},
    }


def _messages_on(topic: Topic) -> list[str]:
    return [name for name, (_, its_topic) in PLAIN.items() if its_topic == topic]


def _channel(topic: Topic) -> dict[str, Any]:
    retention = topic.retention_seconds if topic.retention_seconds == FOREVER else topic.retention_seconds * 1000
    return {
        "address": topic.name,
        "description": topic.purpose,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _messages_on(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {"cleanup.policy": [topic.cleanup], "retention.ms": retention},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _is_received(topic: Topic) -> bool:
    return not _OUTSIDE.isdisjoint(topic.writers)


def _operation_id(topic: Topic) -> str:
    verb = "receive" if _is_received(topic) else "send"
    return f"{verb}_{topic.name.replace('.', '_')}"


def _operation(topic: Topic) -> dict[str, Any]:
    others = topic.writers if _is_received(topic) else topic.readers
    return {
        "action": "receive" if _is_received(topic) else "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"{'From' if _is_received(topic) else 'To'} {', '.join(others)}",
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _messages_on(topic)],
    }


def _message(name: str) -> dict[str, Any]:
    payload, topic = PLAIN[name]
    return {
        "name": name,
        "title": f"{name}, version {version_of(payload)}",
        "summary": (payload.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{payload.__name__}"},
        "examples": [{"name": name, "payload": EXAMPLES[name]}],
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": "0.5.0"}},
    }
