"""The check of a body's shape: all that is wrong with it, by the path that the client sent."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from contracts.definitions import SMART_CODE_PATTERN
from contracts.rejections import Code
from services.gateway.admission import Admitted
from shared.errors import Refused
from shared.http import invalid, shortened, validation_rejection
from shared.signals import signal_faults

_SMART_CODE = re.compile(SMART_CODE_PATTERN)
_NEAR = 0.8
"""Of one: how alike an unknown name must be to a known one to be meant for it. `metadata` is not meant for `data`."""
M = TypeVar("M", bound=BaseModel)


def shaped(model: type[M], admitted: Admitted) -> M:
    """The body as `model`, without conversion of types. Raises Refused (VALIDATION_ERROR)."""
    return _checked(lambda: model.model_validate(admitted.body, strict=True), list(_unknown(model, admitted.body)))


def shaped_with_times(model: type[M], admitted: Admitted) -> M:
    """As `shaped`, for bodies that hold times, which JSON has as text."""
    return _checked(lambda: model.model_validate_json(admitted.raw, strict=True), list(_unknown(model, admitted.body)))


def shaped_with_signal(model: type[M], admitted: Admitted) -> M:
    """As `shaped_with_times`, for bodies with a `signal`: what else is wrong with that is told beside a wrong shape."""
    try:
        return shaped_with_times(model, admitted)
    except Refused as refused:
        raise invalid(*refused.rejection.details["errors"], *signal_faults(admitted.body.get("signal"))) from None


def run_smart_code(code: str | None) -> None:
    """A run needs no smart code. Raises Refused (SMART_CODE_INVALID) for one that is none."""
    if code is not None and not _SMART_CODE.fullmatch(code):
        raise Refused(
            Code.SMART_CODE_INVALID,
            "Smart code validation failed",
            field="run.smart_code",
            value=code[:200],
            reason="Smart code must follow the pattern and end with version (e.g., .v1)",
            valid_pattern="HERA.{INDUSTRY}.{MODULE}.{TYPE}.{SUBTYPE}.{VERSION}",
            example="HERA.CRM.RUN.CUSTOMER.ONBOARDING.v1",
        )


def _checked(validate: Callable[[], M], unknown: list[dict[str, Any]]) -> M:
    try:
        checked = validate()
    except ValidationError as error:
        shape = validation_rejection([_as_sent(problem) for problem in error.errors(include_url=False)])
        told = {problem["field"] for problem in unknown}
        raise invalid(*unknown, *(p for p in shape.details["errors"] if p["field"] not in told)) from None
    if unknown:
        raise invalid(*unknown)
    return checked


def _unknown(model: type[BaseModel], sent: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """Fields that nothing knows, where the model is closed; where it is not, those that are meant for one that is not
    there: an `outcom` that says `failure`. A `signal_id` beside `signal` is meant for nothing."""
    extra = model.model_config.get("extra")
    if not isinstance(sent, dict) or extra not in ("ignore", "forbid"):
        return
    missing = model.model_fields.keys() - sent.keys()
    for name in (name for name in sent if name not in model.model_fields):
        near = difflib.get_close_matches(name[:100], missing, 1, _NEAR)
        if near or extra == "forbid":
            right = f"did you mean {near[0]}?" if near else f"there are {', '.join(model.model_fields)}"
            reason = f"There is no such field; {right}"
            yield {"field": f"{path}{name[:100]}", "value": shortened(sent[name]), "reason": reason}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _unknown(field.annotation, sent.get(name), f"{path}{name}.")


def _as_sent(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The reference names a step's field `steps[0].smart_code`, and a playbook's `playbook.smart_code`."""
    location = problem["loc"]
    if location[:2] == ("playbook", "steps"):
        location = location[1:]
    return {**problem, "loc": location}
