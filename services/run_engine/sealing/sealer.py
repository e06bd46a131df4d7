"""Seals the values of encrypted fields, and opens them again."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import ValidationError

from contracts.encrypted import MASK, named_in, with_values
from contracts.rejections import Code
from contracts.values import EncryptedValue
from services.run_engine.domain.clear import GONE, Clear
from services.run_engine.sealing.store import Found, Key, KeyStore, Owner
from shared.cipher import BrokenSeal, decrypt, encrypt
from shared.errors import Refused

Sealed = tuple[str, dict[str, Any]]
"""The name of a field, and its encrypted value."""


class Sealer:
    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    async def sealed(
        self, owner: Owner, data: dict[str, Any], names: Collection[str], where: str = "data"
    ) -> dict[str, Any]:
        """The data with the values under these names encrypted with the owner's key; nulls stay.

        `where`: path of the data in what the client sent.
        Raises Refused (VALIDATION_ERROR) for a mask that is sent back, Unavailable where no keys are configured.
        """
        found = [value for _, value in named_in(data, names) if value is not None]
        if not found:
            return data
        for name, value in named_in(data, names):
            if value == MASK:
                raise _mask_sent_back(f"{where}.{name}")
        key = await self._keys.current(owner)
        sealed: dict[str, Any] = with_values(
            data, names, lambda name, value: value if value is None else _sealed(key, owner, name, value)
        )
        return sealed

    async def fingerprint(self, owner: Owner, digest: str) -> str | None:
        """Of a body with encrypted values, from its SHA-256: who lacks the key can't try values until one fits.

        It names the key, so that after an erasure it is not taken for the fingerprint of another body.
        """
        key = await self._keys.oldest(owner)
        if key is None:
            return None
        derived = HKDF(SHA256(), 32, salt=None, info=b"fingerprint of a request").derive(key.secret)
        return f"{key.key_id}:{hmac.digest(derived, digest.encode(), 'sha256').hex()}"

    async def fingerprint_made(self, owner: Owner, digest: str) -> str | None:
        """As `fingerprint`, with a key for an owner who has none yet. Raises Unavailable where none are configured."""
        await self._keys.current(owner)
        return await self.fingerprint(owner, digest)

    async def opened(self, of_owners: Mapping[Owner, Collection[Sealed]]) -> dict[Owner, Clear]:
        """Returns the clear values, by owner, and for each owner by the field's name and the ciphertext.

        Raises BrokenSeal where one can't be opened that was not erased.
        """
        found = await self._keys.find({value["key_id"] for values in of_owners.values() for _, value in values})
        return {
            owner: {(name, value["ciphertext"]): _opened(found, owner, name, value) for name, value in values}
            for owner, values in of_owners.items()
        }

    async def legible(self, of_owners: Mapping[Owner, Collection[Sealed]], instead: str) -> dict[Owner, Clear]:
        """As `opened`, with `instead` for what can't be opened."""
        found = await self._keys.find({value["key_id"] for values in of_owners.values() for _, value in values})
        return {owner: dict(_legible(found, owner, values, instead)) for owner, values in of_owners.items()}


def _legible(
    found: Mapping[str, Found], owner: Owner, values: Iterable[Sealed], instead: str
) -> Iterable[tuple[tuple[str, str], Any]]:
    for name, value in values:
        try:
            yield (name, value["ciphertext"]), _opened(found, owner, name, value)
        except BrokenSeal:
            yield (name, value["ciphertext"]), instead


def _sealed(key: Key, owner: Owner, name: str, value: Any) -> dict[str, Any]:
    nonce, ciphertext = encrypt(key.secret, orjson.dumps(value), _place(owner, name))
    sealed = EncryptedValue(
        encrypted="aes-256-gcm",
        key_id=key.key_id,
        nonce=b64encode(nonce).decode(),
        ciphertext=b64encode(ciphertext).decode(),
    )
    return sealed.model_dump(by_alias=True)


def _opened(found: Mapping[str, Found], owner: Owner, name: str, value: dict[str, Any]) -> Any:
    key = found[value["key_id"]]
    if key is None:
        return GONE
    try:
        if isinstance(key, BrokenSeal):
            raise key
        sealed = EncryptedValue.model_validate(value)
        nonce, ciphertext = b64decode(sealed.nonce, validate=True), b64decode(sealed.ciphertext, validate=True)
        return orjson.loads(decrypt(key, nonce, ciphertext, _place(owner, name)))
    except (BrokenSeal, ValidationError, ValueError) as fault:
        reason = str(fault) if isinstance(fault, BrokenSeal) else "it is no valid encrypted value"
        raise BrokenSeal(f"The encrypted value of {name} can't be opened: {reason}") from None


def _place(owner: Owner, name: str) -> str:
    """What a value is bound to: moved to another organisation, run or field it can't be opened."""
    return orjson.dumps([owner.organization_id, owner.run_id, name]).decode()


def _mask_sent_back(field: str) -> Refused:
    return Refused(
        Code.VALIDATION_ERROR,
        "Request validation failed",
        field=field,
        value=MASK,
        reason="This is the mask of an encrypted value, not a value; leave the field out to keep what is there",
    )
