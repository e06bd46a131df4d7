"""Query parameters that several operations share."""

from typing import Any

from services.gateway.documentation import Parameter


def filtered(name: str, description: str) -> Parameter:
    return Parameter(name, description, {"type": "string", "minLength": 1, "maxLength": 200})


def chosen(name: str, *values: str, description: str = "Only those") -> Parameter:
    return Parameter(name, description, {"type": "string", "enum": list(values)})


def moment(name: str, description: str) -> Parameter:
    return Parameter(name, description, {"type": "string", "format": "date-time"})


def bounded(low: int, high: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


PAGE = (
    Parameter("limit", "Items on a page", bounded(1, 100, 20)),
    Parameter("cursor", "`next` of the page before", {"type": "string", "minLength": 1}),
)
