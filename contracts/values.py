"""Values that several contracts share."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, field_validator

Json = Any
"""A value of JSON's own types."""


def in_utc(moment: datetime) -> datetime:
    """Returns the moment in UTC, cut to milliseconds as MongoDB cuts it: a stored moment equals the one in the event.

    Raises:
        ValueError: The moment has no zone, or lies in UTC outside the years 1 to 9999.
    """
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone, such as 2024-01-15T11:00:00Z")
    if moment.tzinfo is not UTC:
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            raise ValueError("a time must lie between the years 1 and 9999 in UTC") from None
    too_fine = moment.microsecond % 1000
    return moment - timedelta(microseconds=too_fine) if too_fine else moment


@lru_cache(maxsize=256)  # what one command does all carries one moment, written some ten times
def rfc3339(moment: datetime) -> str:
    """The one way a moment, which must be in UTC, is written in JSON: milliseconds and `Z`."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"  # strftime takes ten times as long


Moment = Annotated[datetime, AfterValidator(in_utc), PlainSerializer(rfc3339, return_type=str, when_used="json")]
"""A point in time, UTC, to the millisecond; in JSON `2024-01-15T11:00:00.000Z`."""
_LONGEST_TIME = 64
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:$|[T ])")


def as_time(text: str) -> datetime | None:
    """What users' ISO-8601 date or time means, in UTC where it names no zone; None for any other text."""
    if len(text) > _LONGEST_TIME or not _DATE.match(text):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


class Contract(BaseModel):
    """Base of what is written by this system: unknown fields of newer writers are ignored, values are frozen."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class OpenContract(BaseModel):
    """Base of what users write: fields that the system doesn't know are kept as they came."""

    model_config = ConfigDict(frozen=True, extra="allow")


class PublicMessage(OpenContract):
    """Base of what others write to a public topic."""

    VERSION: ClassVar[int] = 1
    schema_version: int = Field(default=1, ge=1)
    """Version of this contract that the message follows. A newer one than this system knows is refused."""

    @field_validator("schema_version")
    @classmethod
    def _refuse_newer(cls, version: int) -> int:
        if version > cls.VERSION:
            raise ValueError(
                f"must be {cls.VERSION} or lower, the newest version of {cls.__name__} that this system knows: "
                "send that version, or upgrade the system first"
            )
        return version


class Actor(Contract):
    """Who caused an event, as the timeline shows it."""

    id: str
    type: Literal["user", "system", "service"] = "user"


SYSTEM = Actor(id="system", type="system")


class Caller(Contract):
    """Who sends a command, with what the token says that they may do."""

    id: str
    type: Literal["user", "system", "service"] = "user"
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()

    @property
    def actor(self) -> Actor:
        return Actor(id=self.id, type=self.type)


SYSTEM_CALLER = Caller(id="system", type="system", permissions=("*",))


class EncryptedValue(Contract):
    """A value that is encrypted, and authenticated, wherever a clear one could stand. Nonce and ciphertext are base64.

    The ciphertext is of the value's JSON, and bound to organisation, run and field.
    """

    encrypted: Literal["aes-256-gcm"] = Field(alias="$encrypted")
    key_id: str
    nonce: str
    ciphertext: str

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Attachment(OpenContract):
    """A document that a completion names; the bytes are elsewhere."""

    name: str
    url: str | None = None
    type: str | None = None
    size_bytes: int | None = Field(default=None, ge=0)
    document: str | None = None


def is_matched(etag: str, if_match: str) -> bool:
    """As RFC 9110, 13.1.1, has it: any of a list, or `*`; a weak one never."""
    return if_match.strip() == "*" or etag in [part.strip() for part in if_match.split(",")]
