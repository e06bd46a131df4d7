"""docs/configuration.md names every setting, with its default."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from shared.settings import ServiceSettings

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "configuration.md"
SERVICES = sorted(path.parent.name for path in (CHECKOUT / "services").glob("*/settings.py"))
_ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (.*) \|$", re.MULTILINE)


def _documented(heading: str) -> dict[str, str]:
    """By variable: its default, as the page has it."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"{PAGE.name} has no section {heading}"
    return {name: default for name, default, _ in _ROW.findall(section[1])}


def _declared(kind: type[ServiceSettings]) -> dict[str, str]:
    own = {n: f for n, f in kind.model_fields.items() if kind is ServiceSettings or _is_own(kind, n)}
    return {name.upper(): _default(field) for name, field in own.items()}


def _is_own(kind: type[ServiceSettings], name: str) -> bool:
    shared = ServiceSettings.model_fields.get(name)
    return shared is None or shared.default != kind.model_fields[name].default


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be set"
    value: Any = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, str):
        return f"`{value}`"
    return f"`{json.dumps(sorted(value) if isinstance(value, tuple | frozenset) else value)}`"


def _settings(service: str) -> type[ServiceSettings]:
    module = importlib.import_module(f"services.{service}.settings")
    (kind,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ServiceSettings) and value is not ServiceSettings
    )
    return kind


def test_names_the_settings_that_every_service_has() -> None:
    assert _documented("Every service") == _declared(ServiceSettings)


@pytest.mark.parametrize("service", SERVICES)
def test_names_the_settings_of_each_service(service: str) -> None:
    heading = service.replace("_", " ").capitalize()
    assert _documented(heading) == _declared(_settings(service))


def test_every_row_says_what_the_setting_is_for() -> None:
    assert [name for name, _, purpose in _ROW.findall(PAGE.read_text()) if not purpose.strip()] == []
