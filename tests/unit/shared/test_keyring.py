"""Keys and encrypted values, without a database."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cipher import BrokenSeal, decrypt, encrypt, new_key
from shared.keyring import Keyring, keys_of

KEY = base64.b64encode(bytes(range(32))).decode()
JSON_LIKE = st.binary(max_size=200)


@given(JSON_LIKE, st.text(max_size=50))
def test_what_was_encrypted_is_decrypted_in_its_place(clear: bytes, place: str) -> None:
    key = new_key()
    nonce, ciphertext = encrypt(key, clear, place)
    assert decrypt(key, nonce, ciphertext, place) == clear
    assert clear not in ciphertext or len(clear) < 4


@given(JSON_LIKE, st.data())
def test_a_changed_bit_is_noticed(clear: bytes, data: st.DataObject) -> None:
    key = new_key()
    nonce, ciphertext = encrypt(key, clear, "place")
    at = data.draw(st.integers(0, len(ciphertext) * 8 - 1))
    changed = bytearray(ciphertext)
    changed[at // 8] ^= 1 << at % 8
    with pytest.raises(BrokenSeal):
        decrypt(key, nonce, bytes(changed), "place")


def test_another_key_or_place_or_nonce_decrypts_nothing() -> None:
    key = new_key()
    nonce, ciphertext = encrypt(key, b"secret", "run_1")
    for broken in ((new_key(), nonce, "run_1"), (key, nonce, "run_2"), (key, b"0" * 12, "run_1"), (key, b"", "run_1")):
        with pytest.raises(BrokenSeal) as fault:
            decrypt(broken[0], broken[1], ciphertext, broken[2])
        assert "secret" not in str(fault.value)


def test_the_same_value_is_never_encrypted_to_the_same_text() -> None:
    key = new_key()
    assert len({encrypt(key, b"123-45-6789", "place") for _ in range(100)}) == 100


def test_reads_keys_in_their_order() -> None:
    assert list(keys_of(f"new:{KEY}, old:{base64.b64encode(bytes(32)).decode()}")) == ["new", "old"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (KEY, "key 1 must be id:base64"),
        (f"a b:{KEY}", "key 1 must be id:base64"),
        (f"a:{KEY},a:{KEY}", "the id a stands for two keys"),
        ("a:%%%", "key a is not valid base64"),
        ("a:c2hvcnQ=", "key a must be 32 bytes in base64; it has 5"),
        (f"a:{KEY},", "key 2 must be id:base64"),
    ],
)
def test_says_which_key_is_wrong_without_showing_it(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as fault:
        keys_of(text)
    assert KEY not in str(fault.value)


def test_a_key_that_left_the_configuration_unwraps_nothing_and_is_named() -> None:
    wrapped = Keyring(keys_of(f"old:{KEY}")).wrap(new_key(), "organization:org_1:1")
    with pytest.raises(BrokenSeal, match="wrapped by old, which ENCRYPTION_KEYS does not hold"):
        Keyring({"new": new_key()}).unwrap(wrapped, "organization:org_1:1")


def test_a_wrapped_key_is_of_no_use_under_another_id() -> None:
    ring = Keyring(keys_of(f"k:{KEY}"))
    wrapped = ring.wrap(new_key(), "organization:org_1:1")
    with pytest.raises(BrokenSeal):
        ring.unwrap(wrapped, "organization:org_2:1")
