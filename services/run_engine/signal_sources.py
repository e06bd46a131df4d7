"""Sources of signals. Kafka does not say who wrote a record, so sources are configured and prove themselves."""

import hmac
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import structlog
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from contracts.rejections import Code
from contracts.signals import SignalMessage, SignalType
from contracts.topics import SIGNALS, SIGNALS_OUTCOMES, SIGNALS_REJECTED
from contracts.values import Caller
from shared.errors import Refused
from shared.messages import Record

ANY: Literal["*"] = "*"
UNPROVED = "kafka"
"""The actor of signals while no source is configured."""
_SECRET_BYTES = 24
_PREFIX = "whsec_"
_TAKEN_NAMES = frozenset({SIGNALS_OUTCOMES.name, SIGNALS_REJECTED.name, "kafka", "system"})
log = structlog.get_logger()


class UnknownSource(Exception):
    """A sentence that says why no configured source has sent a record."""


def _checked_secret(secret: SecretStr) -> SecretStr:
    try:
        key = _key(secret)
    except ValueError:
        key = b""
    if len(key) < _SECRET_BYTES:
        raise ValueError(
            f"a secret is base64 of {_SECRET_BYTES} random bytes or more, with {_PREFIX} in front if you like"
        )
    return secret


class SignalSource(BaseModel):
    """One sender of signals: how it proves itself, and what it may send.

    Without `secrets` its topic is the proof: Kafka's ACLs must let only its principal write there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str = Field(default=SIGNALS.name, pattern=r"^playbook\.signals(\.[a-zA-Z0-9_-]{1,100})?$")
    secrets: tuple[Annotated[SecretStr, AfterValidator(_checked_secret)], ...] = ()
    organizations: frozenset[str] = Field(min_length=1)
    types: frozenset[SignalType | Literal["*"]] = Field(min_length=1)
    permissions: tuple[str, ...] | None = None
    """None: those of SIGNAL_PERMISSIONS."""


def check_sources(sources: dict[str, SignalSource]) -> dict[str, SignalSource]:
    """Returns the sources. Raises ValueError if a record could be from several of them, or a name is taken."""
    for name, source in sources.items():
        if not name.strip() or name != name.strip() or len(name) > 200 or name in _TAKEN_NAMES:
            raise ValueError(f"{name!r} can't be the name of a source: it is empty, padded, too long, or has a meaning")
        if source.topic in _TAKEN_NAMES:
            raise ValueError(f"source {name}: topic {source.topic} is not for signals")
    for topic in {source.topic for source in sources.values()}:
        of_topic = [name for name, source in sources.items() if source.topic == topic]
        if len(of_topic) > 1 and not all(sources[name].secrets for name in of_topic):
            raise ValueError(f"sources {', '.join(of_topic)} share topic {topic}, so each of them must have secrets")
    return sources


class SignalSources:
    """Tells who sent a signal, by its topic or its signature, and refuses what that source may not send."""

    def __init__(self, sources: Mapping[str, SignalSource], permissions: tuple[str, ...]) -> None:
        self._sources = sources
        self._permissions = permissions
        if not sources:
            log.warning(
                "signal_sources_not_configured", consequence="whoever may write to the topic may send any signal"
            )

    @property
    def topics(self) -> list[str]:
        """Returns the topics to read; playbook.signals is always one, so that what is sent there is refused by name."""
        return sorted({SIGNALS.name} | {source.topic for source in self._sources.values()})

    def prove(self, record: Record, document: Any) -> str:
        """Returns the name of the source that wrote a record, which may speak for the organization in its document.

        Raises:
            UnknownSource: No configured source has written it, or none that may speak for its organization.
        """
        if not self._sources:
            return UNPROVED
        sent = document if isinstance(document, dict) else {}
        name = self._source_of(record, sent.get("signal_id"))
        organization = sent.get("organization_id")
        if isinstance(organization, str) and not {ANY, organization} & self._sources[name].organizations:
            raise UnknownSource(f"source {name} may not send signals for organization {organization[:200]}")
        return name

    def caller(self, name: str, message: SignalMessage) -> Caller:
        """Returns the source as a caller, with what it may do.

        Raises:
            Refused: FORBIDDEN, if it may not send signals of this type.
        """
        source = self._sources.get(name)
        if source is None:
            return Caller(id=name, type="service", permissions=self._permissions)
        if not {ANY, message.signal.type} & source.types:
            raise Refused(Code.FORBIDDEN, f"Source {name} may not send signals of type {message.signal.type}")
        permissions = self._permissions if source.permissions is None else source.permissions
        return Caller(id=name, type="service", permissions=permissions)

    def _source_of(self, record: Record, signal_id: Any) -> str:
        of_topic = {name: source for name, source in self._sources.items() if source.topic == record.topic}
        headers = dict(_headers(record))
        for name, source in of_topic.items():
            if not source.secrets:
                return name
            if any(_is_signed(record, headers, secret) for secret in source.secrets):
                # Repeats under one signal_id count once: whoever copies a signed record has sent nothing new.
                if not isinstance(signal_id, str) or headers["webhook-id"] != signal_id.encode():
                    raise UnknownSource("the header webhook-id of a signed signal must be its signal_id")
                return name
        raise UnknownSource(f"no configured source writes to {record.topic} without a valid signature")


def _headers(record: Record) -> Iterator[tuple[str, bytes]]:
    for name, value in getattr(record, "headers", ()):
        yield name, value or b""


def _is_signed(record: Record, headers: Mapping[str, bytes], secret: SecretStr) -> bool:
    """Returns whether a header holds the record's signature, by the scheme of Standard Webhooks."""
    parts = headers.get("webhook-id", b""), headers.get("webhook-timestamp", b""), record.value or b""
    expected = hmac.digest(_key(secret), b".".join(parts), "sha256")
    return any(hmac.compare_digest(expected, given) for given in _signatures(headers.get("webhook-signature", b"")))


def _signatures(header: bytes) -> Iterator[bytes]:
    for signature in header.split()[:8]:
        version, _, value = signature.partition(b",")
        if version == b"v1":
            yield _decoded(value)


def _decoded(value: bytes) -> bytes:
    try:
        return b64decode(value, validate=True)
    except ValueError:
        return b""


def _key(secret: SecretStr) -> bytes:
    return b64decode(secret.get_secret_value().removeprefix(_PREFIX), validate=True)


SignalSourceSettings = Annotated[dict[str, SignalSource], AfterValidator(check_sources)]
