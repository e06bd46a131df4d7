"""The check of a body's shape: all that is wrong with it, by the path that the client sent."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from contracts.definitions import SMART_CODE_PATTERN
from contracts.rejections import Code
from services.gateway.admission import Admitted
from shared.errors import Refused
from shared.http import validation_rejection

_SMART_CODE = re.compile(SMART_CODE_PATTERN)
M = TypeVar("M", bound=BaseModel)


def shaped(model: type[M], admitted: Admitted) -> M:
    """The body as `model`, without conversion of types. Raises Refused (VALIDATION_ERROR)."""
    return _checked(lambda: model.model_validate(admitted.body, strict=True))


def shaped_with_times(model: type[M], admitted: Admitted) -> M:
    """As `shaped`, for bodies that hold times, which JSON has as text."""
    return _checked(lambda: model.model_validate_json(admitted.raw, strict=True))


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


def _checked(validate: Callable[[], M]) -> M:
    try:
        return validate()
    except ValidationError as error:
        problems = [_as_sent(problem) for problem in error.errors(include_url=False)]
        rejection = validation_rejection(problems)
        raise Refused(Code.VALIDATION_ERROR, rejection.message, **rejection.details) from None


def _as_sent(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The reference names a step's field `steps[0].smart_code`, and a playbook's `playbook.smart_code`."""
    location = problem["loc"]
    if location[:2] == ("playbook", "steps"):
        location = location[1:]
    return {**problem, "loc": location}
