"""A draft of which not all can be read: with stand-ins for the rest, so that what else is wrong is told with it."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from contracts.definitions import PlaybookDraft
from contracts.policies import OrganizationPolicies
from contracts.rejections import Code
from services.playbook_registry.domain.faults import Fault
from services.playbook_registry.domain.validation import faults

_ROUNDS = 5
"""A wrong value of a required field goes first, and is stood in for in the next round; steps in steps do not nest."""
_NAMING_STEPS = (".step", ".next_step", ".return_to_step")
_LISTS_OF_OBJECTS = ("steps", "pre", "post", "conditions")
_BEYOND_ALL = 10**9
_UNREAD = "? "
_ABOUT_SEQUENCE = re.compile(r"steps(\[\d+\](\.sequence)?)?")
_ABOUT_ORDER = re.compile(rf"{_ABOUT_SEQUENCE.pattern}$|steps\[\d+\]\.(parallel_allowed|conditions($|\.pre))")
Location = Sequence[int | str]


def what_else(draft: Mapping[str, Any], policies: OrganizationPolicies) -> list[Fault]:
    """What is wrong with a draft apart from its shape, as far as it does not rest on what can't be read."""
    legible, mended = _legible(draft)
    if legible is None:
        return []
    return [fault for fault in faults(legible, policies) if not _rests_on(fault, mended)]


def _legible(draft: Mapping[str, Any]) -> tuple[PlaybookDraft | None, set[str]]:
    """The draft, and the paths of what stands in for something."""
    document: dict[str, Any] = deepcopy(dict(draft))
    mended: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            return PlaybookDraft.model_validate(document, strict=True), mended
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                mended.add(_path(problem["loc"]))
                _mend(document, problem["loc"])
    return None, mended


def _mend(document: Any, location: Location) -> None:
    """What is wrong is taken away, what is missing stood in for; an item of a list keeps its place."""
    *way, last = location
    holder = document
    for part in way:
        holder = holder[part]
    if isinstance(last, int):
        holder[last] = {} if way[-1] in _LISTS_OF_OBJECTS else "?"
    elif last in holder:
        del holder[last]
    else:
        holder[last] = _stand_in(location)


def _stand_in(location: Location) -> Any:
    """Of a field that is needed: nothing that another one could be mixed up with."""
    if location[-1] == "sequence":
        return _BEYOND_ALL + int(location[-2])
    return "HERA.NOT.READ.YET.v1" if location[-1] == "smart_code" else f"{_UNREAD}{_path(location)}"


def _rests_on(fault: Fault, mended: Collection[str]) -> bool:
    field = fault.details.get("field", "")
    if field and any(_is_within(field, path) or _is_within(path, field) for path in mended):
        return True
    if fault.code is Code.CIRCULAR_DEPENDENCY:
        is_named = not any(name.startswith(_UNREAD) for name in fault.details["steps_involved"])
        return not is_named or any(map(_is_about_order, mended))
    return field.endswith(_NAMING_STEPS) and any(map(_is_about_sequence, mended))


def _is_within(inner: str, outer: str) -> bool:
    return f"{inner}.".startswith((f"{outer}.", f"{outer}["))


def _is_about_sequence(path: str) -> bool:
    return _ABOUT_SEQUENCE.fullmatch(path) is not None


def _is_about_order(path: str) -> bool:
    """Where an edge between steps may be what is missing, any other one may be there only for that."""
    return _ABOUT_ORDER.match(path) is not None


def _path(location: Location) -> str:
    """As faults name it."""
    return "".join(_parts(location if location[0] == "steps" else ("playbook", *location)))


def _parts(location: Location) -> Iterator[str]:
    for number, part in enumerate(location):
        yield f"[{part}]" if isinstance(part, int) else f".{part}" if number else part
