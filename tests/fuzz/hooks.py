"""The document as one tenant sees it: bodies carry the organisation of the token, or every request would be 403."""

import os
from typing import Any

import schemathesis

ORGANIZATION = "FUZZ_ORGANIZATION_ID"
"""Environment variable: the organisation of the token that the requests carry."""


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    organization_id = os.environ[ORGANIZATION]
    for model in raw_schema["components"]["schemas"].values():
        if "organization_id" in model.get("properties", ()):
            model["properties"]["organization_id"] = {"type": "string", "const": organization_id}
    for path in raw_schema["paths"].values():
        for operation in path.values():
            _narrow(operation, organization_id)


def _narrow(operation: dict[str, Any], organization_id: str) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "X-Organization-ID":
            parameter["schema"] = {"type": "string", "const": organization_id}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for example in content.get("examples", {}).values():
            if "organization_id" in example["value"]:
                example["value"]["organization_id"] = organization_id
