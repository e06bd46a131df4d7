"""Tokens: only what is signed, in time and complete gets in; and it says for whom."""

import asyncio
import base64
import json
import math
import time
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from contracts.rejections import Code
from deploy.local.waiting import until
from shared.auth import TokenVerifier
from shared.errors import Refused

SECRET = "a secret that is long enough for every algorithm that is tried here"
HOUR_AGO = int(time.time()) - 3600


def claims(**changes: Any) -> dict[str, Any]:
    given = {
        "sub": "user_1",
        "organization_id": "org_1",
        "roles": ["nurse"],
        "permissions": ["run:create", "step:*"],
        "exp": int(time.time()) + 600,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def bearer(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return "Bearer " + jwt.encode(claims(**changes), secret, algorithm=algorithm)


def verifier(issuer: str | None = None, audience: str | None = None) -> TokenVerifier:
    return TokenVerifier(SecretStr(SECRET), issuer, audience)


def unsigned(**changes: Any) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims(**changes))
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"Bearer {head}.{body}."


def test_says_who_calls_for_whom_and_what_they_may_do() -> None:
    identity = verifier().verify(bearer())
    assert (identity.caller.id, identity.organization_id) == ("user_1", "org_1")
    assert identity.caller.roles == ("nurse",)
    assert identity.may("run:create")
    assert identity.may("step:complete")
    assert not identity.may("run:update")


def test_a_star_grants_everything() -> None:
    assert verifier().verify(bearer(permissions=["*"])).may("playbook:delete")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwdw==",
        "Bearer not.a.token",
        bearer(secret="another secret of thirty-two bytes or more"),
        bearer(algorithm="HS512"),
        unsigned(),
        bearer(exp=HOUR_AGO),
        bearer(exp=None),
        bearer(sub=None),
        bearer(organization_id=None),
        bearer(organization_id=""),
        bearer(organization_id=["org_1"]),
        bearer(sub=""),
        bearer(sub=" "),
        bearer(sub=" user_1"),
        bearer(sub="user\n1"),
        bearer(sub="u" * 201),
        bearer(sub="\ud800"),
        bearer(roles=["\ud800"]),
        bearer(organization_id=" org_1"),
        bearer(organization_id="org\0"),
        bearer(exp=math.inf),
        bearer(exp="soon"),
        bearer(nbf=math.inf),
        bearer(iat=-math.inf),
        bearer(roles="nurse"),
        bearer(permissions=[1]),
    ],
)
def test_refuses_what_is_no_valid_token(authorization: str | None) -> None:
    with pytest.raises(Refused) as caught:
        verifier().verify(authorization)
    assert caught.value.rejection.code == Code.UNAUTHORIZED


def test_refuses_a_token_of_another_issuer_or_for_another_audience() -> None:
    strict = verifier("https://issuer", "hera")
    assert strict.verify(bearer(iss="https://issuer", aud="hera")).caller.id == "user_1"
    for wrong in (bearer(), bearer(iss="https://other", aud="hera"), bearer(iss="https://issuer", aud="other")):
        with pytest.raises(Refused):
            strict.verify(wrong)


async def test_a_token_that_was_verified_before_still_expires() -> None:
    strict = TokenVerifier(SecretStr(SECRET), None, None, leeway_seconds=0)
    token = bearer(exp=int(time.time()) + 2)
    strict.verify(token)

    async def is_refused() -> bool:
        try:
            strict.verify(token)
        except Refused:
            return True
        return False

    await asyncio.wait_for(until(is_refused), 10)
