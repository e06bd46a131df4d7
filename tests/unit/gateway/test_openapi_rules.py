"""What a client's author may rely on in the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from services.gateway.application import openapi_document

Json = dict[str, Any]
DOCUMENT = "urn:document"


def operations() -> list[tuple[str, Json]]:
    paths = openapi_document()["paths"]
    return [(f"{method} {path}", operation) for path, item in paths.items() for method, operation in item.items()]


each_operation = pytest.mark.parametrize(
    "operation", [operation for _, operation in operations()], ids=[name for name, _ in operations()]
)


def contents(operation: Json) -> Iterator[Json]:
    """What is said of each JSON body, sent or answered."""
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from holder.get("content", {}).values()


def test_the_document_is_valid_openapi_3_1() -> None:
    document = openapi_document()
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_each_operation_has_an_id_of_its_own() -> None:
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(ids) == len(set(ids))


@each_operation
def test_says_what_it_is_for_and_where_it_belongs(operation: Json) -> None:
    assert operation["summary"]
    assert not operation["summary"].endswith(".")
    assert operation["description"]
    assert operation["tags"]
    assert all(parameter["description"] for parameter in operation["parameters"] if parameter["in"] != "path")


def test_whatever_is_posted_or_patched_takes_an_idempotency_key() -> None:
    for name, operation in operations():
        named = {parameter["name"] for parameter in operation["parameters"]}
        assert "Idempotency-Key" in named or not name.startswith(("post ", "patch ")), name


@each_operation
def test_its_errors_have_the_one_shape(operation: Json) -> None:
    refused = {status: said for status, said in operation["responses"].items() if int(status) >= 400}
    assert {"400", "401", "403", "429", "500", "503"} <= set(refused)
    in_path = [parameter for parameter in operation["parameters"] if parameter["in"] == "path"]
    assert "404" in refused or not in_path
    for said in refused.values():
        assert said["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}


@each_operation
def test_its_examples_fit_its_schemas(operation: Json) -> None:
    resource = Resource.from_contents(openapi_document(), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
    for content in contents(operation):
        examples = [named["value"] for named in content.get("examples", {}).values()]
        examples += [content["example"]] if "example" in content else []
        schema = _absolute(content["schema"])
        for example in examples:
            errors = Draft202012Validator(schema, registry=registry).iter_errors(example)
            assert [f"{error.json_path}: {error.message}" for error in errors] == []


@each_operation
def test_its_links_lead_to_operations_and_to_their_parameters(operation: Json) -> None:
    known = {other["operationId"]: other for _, other in operations()}
    for said in operation["responses"].values():
        for link in said.get("links", {}).values():
            there = {parameter["name"] for parameter in known[link["operationId"]]["parameters"]}
            assert set(link["parameters"]) <= there


def _absolute(schema: Any) -> Any:
    """References inside the document lead into it from anywhere."""
    if isinstance(schema, dict):
        return {name: f"{DOCUMENT}{value}" if name == "$ref" else _absolute(value) for name, value in schema.items()}
    return [_absolute(value) for value in schema] if isinstance(schema, list) else schema
