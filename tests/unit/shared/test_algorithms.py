"""No token chooses how it is verified: each algorithm has keys of its own kind, and nothing passes for another."""

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from contracts.rejections import Code
from shared.auth import TokenVerifier
from shared.errors import Refused
from shared.jwk_set import ALGORITHMS
from shared.published_keys import PublishedKeys
from tests.issuer import SigningKey, claims, forged, new_key, published

SECRET = "a secret that is long enough for every algorithm that is tried here"
KEYS = {algorithm: new_key(algorithm, algorithm) for algorithm in sorted(ALGORITHMS)}
RSA, EC = KEYS["RS256"], KEYS["ES256"]


@pytest.fixture(scope="module")
async def keys() -> AsyncIterator[PublishedKeys]:
    async with published(*KEYS.values()) as issuer:
        keys = PublishedKeys(issuer.url)
        await keys.refresh()
        yield keys


@pytest.fixture
def both(keys: PublishedKeys) -> TokenVerifier:
    return TokenVerifier(SecretStr(SECRET), None, None, published=keys)


def is_refused(verifier: TokenVerifier, token: str) -> bool:
    with pytest.raises(Refused) as caught:
        verifier.verify(f"Bearer {token}")
    return caught.value.rejection.code == Code.UNAUTHORIZED


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
@pytest.mark.parametrize("key_id", ["", None])
def test_lets_in_by_every_kind_of_key(both: TokenVerifier, key: SigningKey, key_id: str | None) -> None:
    token = key.sign(key_id=key_id)
    assert both.verify(f"Bearer {token}") is both.verify(f"Bearer {token}")


def test_lets_in_by_the_secret_beside_them(both: TokenVerifier) -> None:
    token = jwt.encode(claims(), SECRET, "HS256", headers={"kid": RSA.id})
    assert both.verify(f"Bearer {token}").organization_id == "org_1"


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
@pytest.mark.parametrize("said", ["HS256", "RS256", "ES256", "EdDSA", "none", "HS512"])
def test_a_public_key_is_no_secret(keys: PublishedKeys, both: TokenVerifier, key: SigningKey, said: str) -> None:
    only_published = TokenVerifier(None, None, None, published=keys)
    for public in key.public_texts():
        assert is_refused(both, forged(public, key.id, said))
        assert is_refused(only_published, forged(public, key.id, said))


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_a_key_verifies_no_other_algorithm_of_its_kind(both: TokenVerifier, algorithm: str) -> None:
    assert is_refused(both, RSA.sign(algorithm))


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
def test_a_key_verifies_no_token_that_names_another(both: TokenVerifier, key: SigningKey) -> None:
    for other in KEYS:
        assert other == key.id or is_refused(both, key.sign(key_id=other))
    assert is_refused(both, new_key(key.algorithm, key.id).sign())


def test_the_secret_signs_for_no_algorithm_but_its_own(both: TokenVerifier) -> None:
    for said in ("RS256", "ES256", "EdDSA", "none", "HS384"):
        assert is_refused(both, forged(SECRET.encode(), RSA.id, said))


def test_a_key_that_a_token_brings_along_counts_for_nothing(both: TokenVerifier) -> None:
    own = new_key("ES256", "own")
    for headers in ({"jwk": own.jwk()}, {"jwk": own.jwk(), "kid": EC.id}, {"jku": "http://127.0.0.1:1/", "kid": "own"}):
        assert is_refused(both, jwt.encode(claims(), own.private, "ES256", headers=headers))


@pytest.mark.parametrize("algorithm", [None, 1, ["HS256"], {"HS256": 1}, "", "hs256", "None"])
def test_an_algorithm_that_is_none_is_refused(both: TokenVerifier, algorithm: object) -> None:
    assert is_refused(both, forged(SECRET.encode(), RSA.id, algorithm))


def test_what_is_not_configured_is_not_let_in(keys: PublishedKeys) -> None:
    by_secret, by_keys = jwt.encode(claims(), SECRET, "HS256"), RSA.sign()
    assert is_refused(TokenVerifier(None, None, None, published=keys), by_secret)
    only_secret = TokenVerifier(SecretStr(SECRET), None, None)
    assert is_refused(only_secret, by_keys)
    assert not only_secret.lacks_key(f"Bearer {by_keys}")


def test_issuer_audience_and_time_count_as_with_the_secret(keys: PublishedKeys) -> None:
    strict = TokenVerifier(None, "https://issuer", "hera", leeway_seconds=10, published=keys)
    good = {"iss": "https://issuer", "aud": "hera"}
    now = int(time.time())
    assert strict.verify(f"Bearer {EC.sign(**good, exp=now - 5)}").caller.id == "user_1"
    wrongs: list[dict[str, Any]] = [
        {"iss": "https://other"},
        {"aud": "other"},
        {"aud": None},
        {"exp": now - 20},
        {"nbf": now + 60},
    ]
    for wrong in wrongs:
        assert is_refused(strict, EC.sign(**{**good, **wrong}))
