"""The documentation says what is there, and needs nothing from elsewhere."""

import json
import re
from typing import Any

import orjson
import pytest

from services.gateway.application import openapi_document
from services.gateway.main import build
from services.gateway.routes.operations import OPERATIONS
from services.gateway.routes.plain import PlainRoute
from services.gateway.shapes.answers import ErrorAnswer
from services.gateway.shapes.examples import example
from tests.unit.gateway.client import gateway, settings


def references(document: Any) -> set[str]:
    if isinstance(document, dict):
        found = {document["$ref"]} if isinstance(document.get("$ref"), str) else set()
        return found.union(*(references(value) for value in document.values()))
    return set().union(*(references(value) for value in document)) if isinstance(document, list) else set()


def test_every_route_is_documented_and_every_documented_route_is_there() -> None:
    routes = [route for route in build(settings()).app.router.routes if isinstance(route, PlainRoute)]
    served = {(method, route.path) for route in routes for method in route.methods or ()}
    heads = {("HEAD", path) for method, path in served if method == "GET"}
    assert served - heads == {(operation.method, operation.path) for operation in OPERATIONS}
    assert heads <= served
    documented = {(method.upper(), path) for path, item in openapi_document()["paths"].items() for method in item}
    assert documented == served - heads


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = openapi_document()
    assert document["openapi"].startswith("3.1")
    for reference in references(document):
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in document["components"][kind]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_answers_of_the_reference_have_the_documented_shape(operation: Any) -> None:
    if operation.answer_example:
        operation.answer.model_validate(example(operation.answer_example)["data"])
    for name in operation.refusal_examples:
        ErrorAnswer.model_validate(example(name))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_requests_of_the_reference_have_the_documented_shape(operation: Any) -> None:
    for name in operation.body_examples:
        operation.body.model_validate(example(name))


async def test_the_pages_load_nothing_from_elsewhere() -> None:
    async with gateway() as client:
        for page in ("/docs", "/redoc"):
            text = (await client.get(page)).text
            loaded = re.findall(r"""(?:src|href)=["']([^"']+)["']""", text)
            assert loaded
            assert all(path.startswith("/") and not path.startswith("//") for path in loaded)
            for path in loaded:
                assert (await client.get(path)).status_code == 200


async def test_the_documents_are_served() -> None:
    async with gateway() as client:
        assert (await client.get("/openapi.json")).json() == openapi_document()
        assert (await client.get("/asyncapi.json")).json()["asyncapi"] == "3.0.0"


async def test_a_document_is_written_once_and_not_for_everybody_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    async with gateway() as client:
        paths = ("/openapi.json", "/asyncapi.json")
        first = [(await client.get(path)).content for path in paths]
        monkeypatch.setattr(json, "dumps", None)
        monkeypatch.setattr(orjson, "dumps", None)
        assert [(await client.get(path)).content for path in paths] == first
