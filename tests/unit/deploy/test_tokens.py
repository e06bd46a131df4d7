"""`make token PERMISSIONS=`: a list of its own, or one that is added to the default permissions."""

import jwt
import pytest

from deploy.local.__main__ import main
from deploy.local.tokens import PERMISSIONS, permissions_of


@pytest.mark.parametrize(
    ("text", "permissions"),
    [
        ("run:read", ["run:read"]),
        ("run:read, step:work", ["run:read", "step:work"]),
        ("+step:work", [*PERMISSIONS, "step:work"]),
        ("+step:work,run:read_sensitive", [*PERMISSIONS, "step:work", "run:read_sensitive"]),
        (" + step:work , +run:read_sensitive", [*PERMISSIONS, "step:work", "run:read_sensitive"]),
        ("+run:read", list(PERMISSIONS)),
        ("", []),
    ],
)
def test_a_plus_adds_to_the_default_permissions(text: str, permissions: list[str]) -> None:
    assert permissions_of(text) == permissions


def test_a_plus_that_comes_late_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["token", "--permissions", "run:read,+step:work"])
    assert "put the + before the first name" in capsys.readouterr().err


def test_the_token_has_them(
    capsys: pytest.CaptureFixture[str], tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERA_DATA_DIR", str(tmp_path))
    assert main(["token", "--permissions", "+step:work"]) == 0
    claims = jwt.decode(capsys.readouterr().out.strip(), options={"verify_signature": False})
    assert claims["permissions"] == [*PERMISSIONS, "step:work"]
