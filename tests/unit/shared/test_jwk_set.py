"""Out of a JWK Set only those keys are taken that verify an algorithm that is let in."""

from typing import Any

import pytest

from shared.jwk_set import ALGORITHMS, read_jwk_set
from tests.issuer import new_key

KEYS = {algorithm: new_key(algorithm) for algorithm in sorted(ALGORITHMS)}
RSA, EC, OKP = KEYS["RS256"], KEYS["ES256"], KEYS["EdDSA"]


@pytest.mark.parametrize("algorithm", sorted(KEYS))
@pytest.mark.parametrize("members", [{}, {"alg": None}, {"use": None}, {"use": None, "key_ops": ["verify"]}])
def test_takes_keys_of_each_kind_for_one_algorithm_each(algorithm: str, members: dict[str, Any]) -> None:
    ring = read_jwk_set({"keys": [KEYS[algorithm].jwk(**members)]})
    assert [other for other in KEYS if ring.find("first", other)] == [algorithm]


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "kid": "first", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "alg": "HS256"},
        RSA.jwk(alg="RS512"),
        RSA.jwk(alg="HS256"),
        RSA.jwk(alg=["RS256"]),
        RSA.jwk(use="enc"),
        RSA.jwk(key_ops=["encrypt"]),
        RSA.jwk(key_ops="verify"),
        RSA.jwk(kid=1),
        RSA.jwk(n=None),
        RSA.jwk(n=17),
        RSA.jwk(n="!"),
        RSA.jwk(d="AQAB"),
        new_key("RS256", rsa_bits=1024).jwk(),
        EC.jwk(crv="P-384"),
        EC.jwk(x="AAAA"),
        EC.jwk(y=EC.jwk()["x"]),
        EC.jwk(kty="RSA"),
        OKP.jwk(crv="Ed448"),
        OKP.jwk(crv="X25519"),
        OKP.jwk(x="AAAA"),
        OKP.jwk(d=OKP.jwk()["x"]),
        {},
        "key",
        None,
    ],
)
def test_passes_over_what_is_no_such_key_and_takes_the_next(jwk: Any) -> None:
    assert len(read_jwk_set({"keys": [jwk]})) == 0
    assert read_jwk_set({"keys": [jwk, new_key(key_id="next").jwk()]}).ids() == ["next"]


@pytest.mark.parametrize("document", [None, [], "keys", {}, {"keys": None}, {"keys": {"first": {}}}])
def test_refuses_what_is_no_jwk_set(document: Any) -> None:
    with pytest.raises(ValueError, match="no JWK Set"):
        read_jwk_set(document)


def test_a_token_without_key_id_is_for_the_only_key_that_fits() -> None:
    ring = read_jwk_set({"keys": [RSA.jwk(), EC.jwk(), new_key("ES256", "second").jwk()]})
    only = ring.find(None, "RS256")
    assert only is not None
    assert only.key_id == "first"
    assert ring.find(None, "ES256") is None
    assert ring.find(None, "EdDSA") is None
