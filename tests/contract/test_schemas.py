"""The documents in the repository are those that the code makes, and they hold together."""

from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from contracts.registry import ENVELOPED, PLAIN, version_of
from deploy.documents import CHECKOUT, SCHEMAS, documents, stale
from services.gateway.application import asyncapi_document
from shared.asyncapi import asyncapi


def test_the_documents_are_up_to_date() -> None:
    assert stale() == [], "run `make schemas` and look at what has changed: a released message is never edited"


def test_every_registered_message_has_its_schema() -> None:
    for name, (payload, _) in {**ENVELOPED, **PLAIN}.items():
        assert (CHECKOUT / SCHEMAS / f"{name}.v{version_of(payload)}.json").exists()


@pytest.mark.parametrize("path", [path for path in documents() if path.parent == SCHEMAS], ids=lambda path: path.stem)
def test_each_schema_is_one(path: Any) -> None:
    Draft202012Validator.check_schema(orjson.loads((CHECKOUT / path).read_bytes()))


def test_asyncapi_names_every_public_topic_with_its_messages_and_its_key() -> None:
    document = asyncapi_document()
    channels = document["channels"]
    assert set(channels) == {topic.name for _, topic in PLAIN.values()}
    assert all(topic.public for _, topic in PLAIN.values())
    for name, (_, topic) in PLAIN.items():
        assert name in channels[topic.name]["messages"]
        assert document["components"]["messages"][name]["bindings"]["kafka"]["key"]["description"] == topic.key


def test_asyncapi_says_the_direction_from_the_system_s_side() -> None:
    actions = {o["channel"]["$ref"]: o["action"] for o in asyncapi("Test", "1").get("operations", {}).values()}
    assert actions == {
        "#/channels/playbook.signals": "receive",
        "#/channels/playbook.signals.outcomes": "send",
        "#/channels/playbook.signals.rejected": "send",
        "#/channels/worker.jobs": "send",
        "#/channels/worker.results": "receive",
    }


@pytest.mark.parametrize("name", PLAIN)
def test_asyncapi_shows_an_example_of_each_message_that_is_one(name: str) -> None:
    document = asyncapi_document()
    (example,) = document["components"]["messages"][name]["examples"]
    payload, _ = PLAIN[name]
    payload.model_validate_json(orjson.dumps(example["payload"]), strict=True)
    assert set(example["payload"]) <= set(payload.model_fields)


def test_every_reference_of_asyncapi_leads_somewhere() -> None:
    document = asyncapi_document()
    for reference in _references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def _references(document: Any) -> list[str]:
    if isinstance(document, dict):
        own = [document["$ref"]] if isinstance(document.get("$ref"), str) else []
        return own + [reference for value in document.values() for reference in _references(value)]
    return [reference for value in document for reference in _references(value)] if isinstance(document, list) else []
