"""The table of permissions has all that the code asks for."""

import re
from pathlib import Path

import services
from deploy.permissions_table import permissions_table
from services.gateway.routes.operations import OPERATIONS

_ASKED = re.compile(r'(?:may|holds|lacks|admission\.\w+)\([^)]*"([a-z]+:[a-z_]+)"')


def test_every_permission_that_is_asked_for_is_in_the_table() -> None:
    sources = (path.read_text() for path in Path(services.__file__).parent.rglob("*.py"))
    asked = {name for source in sources for name in _ASKED.findall(source)}
    assert {"run:read_sensitive", "step:override", "step:skip", "key:rotate"} <= asked
    told = re.findall(r"^\| `(.+?)` \| (.+) \|$", permissions_table(), re.MULTILINE)
    documented = {one for operation in OPERATIONS for one in (operation.permission, *operation.also_permitted_by)}
    assert {name for name, _ in told} == asked | documented
    assert all(what for _, what in told)
