"""From a description of an operation to what OpenAPI says about it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from contracts.playbook_metadata import AutomationConfig, PlaybookMetadata, SignalMetadata, StepMetadata
from contracts.rejections import Code
from services.gateway.documented_headers import HEADERS, describe
from services.gateway.routes.plain import Endpoint, PlainRoute
from services.gateway.shapes.answers import Accepted, ErrorAnswer
from services.gateway.shapes.examples import example
from shared.http import STATUS_OF

_REF = "#/components/schemas/{model}"
_EVERYWHERE = (
    Code.VALIDATION_ERROR,
    Code.UNAUTHORIZED,
    Code.FORBIDDEN,
    Code.ORGANIZATION_MISMATCH,
    Code.RATE_LIMITED,
    Code.INTERNAL_ERROR,
    Code.UNAVAILABLE,
)
_TOKEN = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
_TITLES = {
    400: "The request is not valid, or violates a contract or a policy",
    401: "The token is missing or not valid",
    403: "The token does not allow this, or names another organization",
    404: "There is no such thing in this organization",
    409: "The current state does not allow this",
    413: "The body is too large",
    429: "The organization has used up its requests of this minute",
    500: "Something went wrong in the service",
    503: "Something that is needed does not answer; try again",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    description: str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Link:
    """How a value of an answer leads to another operation: by its path's parameters, or in its body."""

    operation: str
    parameters: dict[str, str] = field(default_factory=dict)
    """By name of a path's parameter, where in the answer its value is, such as `data/run_id`."""
    body: dict[str, Any] = field(default_factory=dict)
    """What of the body comes from the answer, with the places as in `parameters`."""

    def described(self) -> dict[str, Any]:
        link = {"operationId": self.operation, "parameters": _from_answer(self.parameters)}
        return {**link, **({"requestBody": _from_answer(self.body)} if self.body else {})}


def _from_answer(places: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _from_answer(place) if isinstance(place, dict) else f"$response.body#/{place}"
        for name, place in places.items()
    }


@dataclass(frozen=True, slots=True)
class Operation:
    """A route: its method and path, and what the documentation says of it."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    permission: str
    """The one that a refusal names."""
    answer: type[BaseModel]
    status: int = 200
    answer_example: str | None = None
    body: type[BaseModel] | None = None
    body_examples: tuple[str, ...] = ()
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    """Beside those that every operation takes."""
    refusals: tuple[Code, ...] = ()
    refusal_examples: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    dry_run: type[BaseModel] | None = None
    """What 200 answers to `?dry_run=true`."""
    also_permitted_by: tuple[str, ...] = ()
    """Any of these admits a caller in place of `permission`; the description says to what."""
    etag: bool = False
    """Answers carry an ETag; `If-None-Match` may be answered with 304."""
    keyed: bool = False
    """Takes an Idempotency-Key, as every command does."""
    command: bool = False
    """Answered over Kafka: takes an Idempotency-Key, may be answered with 202."""

    def models(self) -> list[type[BaseModel]]:
        return [model for model in (self.answer, self.body, self.dry_run) if model]

    def route(self, endpoint: Endpoint) -> PlainRoute:
        return PlainRoute(self.method, self.path, endpoint, self.query_names(), **self._options())

    def query_names(self) -> frozenset[str]:
        """Those that are documented; `organization_id` may be said in every way, and must be the token's."""
        return frozenset({"organization_id", *(["dry_run"] if self.dry_run else []), *(p.name for p in self.query)})

    def _options(self) -> dict[str, Any]:
        return {
            "operation_id": self.name,
            "tags": [self.tag],
            "summary": self.summary,
            "description": f"{self.description}\n\n{self._needed()}",
            "status_code": self.status,
            "responses": dict(self._answers()),
            "openapi_extra": self._request(),
        }

    def _needed(self) -> str:
        others = ", ".join(f"`{other}`" for other in self.also_permitted_by)
        return f"Needs the permission `{self.permission}`{' or ' if others else ''}{others}."

    def _request(self) -> dict[str, Any]:
        request: dict[str, Any] = {"security": [{"bearer": []}], "parameters": self._parameters()}
        if self.body:
            content: dict[str, Any] = {"schema": _reference(self.body)}
            if self.body_examples:
                content["examples"] = {name: {"value": example(name)} for name in self.body_examples}
            request["requestBody"] = {"required": True, "content": {"application/json": content}}
        return request

    def _parameters(self) -> list[dict[str, Any]]:
        names = re.findall(r"{(\w+)}", self.path)
        in_path = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
        in_query = [_parameter("query", p) for p in (*self.query, *([_DRY_RUN] if self.dry_run else []))]
        own = [
            *([_IDEMPOTENCY] if self.command or self.keyed else []),
            *([_PREFER] if self.command else []),
            *([_IF_NONE_MATCH] if self.etag else []),
        ]
        headers = [*_HEADERS, *own, *self.headers]
        return [*in_path, *in_query, *(_parameter("header", header) for header in headers)]

    def _answers(self) -> Iterable[tuple[int, dict[str, Any]]]:
        yield self.status, self._answer()
        if self.etag:
            yield 304, {"description": "The caller has it already: `If-None-Match` names its ETag"}
        if self.dry_run and self.status != 200:
            yield 200, _success("Of a dry run: all checks passed, nothing was written", self.dry_run, None)
        if self.command and self.status != 202:
            yield (
                202,
                _success(
                    "No outcome yet, or none was waited for; the command counts",
                    Accepted,
                    None,
                ),
            )
        nowhere = [Code.NOT_FOUND] if "{" in self.path else []
        refusals = dict.fromkeys((*_EVERYWHERE, *nowhere, *self.refusals))
        for status in sorted({STATUS_OF[code] for code in refusals}):
            codes = [code for code in refusals if STATUS_OF[code] == status]
            yield status, _refusal(status, codes, self.refusal_examples)

    def _answer(self) -> dict[str, Any]:
        answer = _success("The answer", self.answer, self.answer_example)
        if self.dry_run and self.status == 200:
            data = {"anyOf": [_reference(self.answer), _reference(self.dry_run)]}
            answer["content"]["application/json"]["schema"]["properties"]["data"] = data
        if self.links:
            answer["links"] = {link.operation: link.described() for link in self.links}
        return answer


_HEADERS = (
    Parameter("X-Organization-ID", "If sent, must be the token's organization"),
    Parameter("X-Request-ID", "Comes back on the answer, and stands in all messages and log lines of the request"),
)
_DRY_RUN = Parameter("dry_run", "All the checks, and nothing is written", {"type": "boolean", "default": False})
_IF_NONE_MATCH = Parameter("If-None-Match", "ETags of what the caller has already", {"type": "string"})
IF_MATCH = Parameter(
    "If-Match",
    "Only if its ETag is one of these; CONFLICT otherwise",
    {"type": "string", "pattern": '^(\\*|"[0-9]{1,9}")$'},
)
_PREFER = Parameter(
    "Prefer",
    "`respond-async`: 202 at once, the outcome at `Location`",
    {"type": "string", "examples": ["respond-async"]},
)
_IDEMPOTENCY = Parameter(
    "Idempotency-Key",
    "A request that its caller repeats under the same key is carried out once and gets its first response",
    {"type": "string", "pattern": "^[ -~]{1,200}$"},
)


def openapi(operations: Sequence[Operation], **about: Any) -> dict[str, Any]:
    """The OpenAPI document; `about` is title, version and description."""
    document = get_openapi(routes=[operation.route(_nobody) for operation in operations], **about)
    for operation in operations:
        describe(document["paths"][operation.path][operation.method.lower()], etag=operation.etag)
    document["servers"] = [{"url": "/", "description": "The gateway that serves this document"}]
    return {**document, "components": {**_components(operations), "headers": HEADERS}}


async def _nobody(_: Request) -> Response:
    raise NotImplementedError


def _components(operations: Iterable[Operation]) -> dict[str, Any]:
    models: list[type[BaseModel]] = [ErrorAnswer, Accepted]
    models += [model for operation in operations for model in operation.models()]
    models += [*_METADATA.values(), AutomationConfig]
    inputs: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (model, "validation") for model in dict.fromkeys(models)
    ]
    _, schemas = models_json_schema(inputs, ref_template=_REF)
    return {"schemas": _with_metadata(schemas["$defs"]), "securitySchemes": _TOKEN}


_METADATA: dict[str, type[BaseModel]] = {
    "PlaybookDraft": PlaybookMetadata, "StepDraft": StepMetadata, "Signal": SignalMetadata,
}  # fmt: skip
"""By body, what its metadata can say. It is kept as it was sent, so the models that read it take any object."""


def _with_metadata(schemas: dict[str, Any]) -> dict[str, Any]:
    for name, model in _METADATA.items():
        schemas[name]["properties"]["metadata"] = _reference(model)
    config = {"anyOf": [_reference(AutomationConfig), {"type": "null"}]}
    schemas["StepDraft"]["properties"]["automation_config"] = config
    return schemas


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def _parameter(where: str, parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": where,
        "required": False,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _success(description: str, model: type[BaseModel], example_name: str | None) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["success", "data"],
        "properties": {"success": {"const": True}, "data": _reference(model)},
    }
    content: dict[str, Any] = {"schema": schema}
    if example_name:
        content["example"] = example(example_name)
    return {"description": description, "content": {"application/json": content}}


def _refusal(status: int, codes: list[Code], example_names: tuple[str, ...]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": _reference(ErrorAnswer)}
    examples = {name: {"value": example(name)} for name in example_names}
    fitting = {name: shown for name, shown in examples.items() if shown["value"]["error"]["code"] in codes}
    if fitting:
        content["examples"] = fitting
    description = f"{_TITLES[status]}: {', '.join(codes)}"
    return {"description": description, "content": {"application/json": content}}
