"""Webhooks: commands to an organisation's subscriptions to what happens to its runs."""

import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, field_serializer

from contracts.commands import Command
from contracts.entries import event_type
from contracts.events import RUN_EVENTS
from contracts.values import Contract, Moment

ANY_EVENT = "*"
TEST_EVENT = "webhook_test"
"""The type of what `…/test` sends; nobody subscribes to it."""
EVENT_TYPES = (ANY_EVENT, *sorted(event_type(event.__name__) for event in RUN_EVENTS))
OLD_SECRET_SECONDS = 24 * 3600
MAX_OLD_SECRET_SECONDS = 7 * 24 * 3600

_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?){0,20}"
URL_PATTERN = rf"^https?://{_HOST}(:{_PORT})?(/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)?(\?[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?$"
_URL = re.compile(URL_PATTERN)
MAIL_PATTERN = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
_MAIL = re.compile(MAIL_PATTERN)


def _known_type(name: str) -> str:
    if name not in EVENT_TYPES:
        near = get_close_matches(name, EVENT_TYPES, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; * stands for all, the timeline shows their names"
        raise ValueError(f"no event is called so{hint}")
    return name


def is_mail_address(text: str) -> bool:
    return _MAIL.fullmatch(text) is not None


def _mail_address(address: str) -> str:
    if not is_mail_address(address):
        raise ValueError("must be an e-mail address, such as ops@example.com")
    return address


def _address(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ValueError(
            "must be https://host[:port][/path][?query], or http://…: a host's name or IPv4 address, no user, no"
            " fragment, and percent-encoded what is no plain ASCII"
        )
    return url


EventType = Annotated[str, AfterValidator(_known_type), WithJsonSchema({"type": "string", "enum": list(EVENT_TYPES)})]
WebhookUrl = Annotated[
    str,
    Field(max_length=2000),
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "pattern": URL_PATTERN, "maxLength": 2000}),
]
PlaybookId = Annotated[str, Field(min_length=1, max_length=100)]
EventTypes = Annotated[list[EventType], Field(min_length=1, max_length=len(EVENT_TYPES))]
PlaybookIds = Annotated[list[PlaybookId], Field(max_length=100)]
Description = Annotated[str, Field(max_length=500)]
Contact = Annotated[
    str,
    Field(max_length=254),
    AfterValidator(_mail_address),
    WithJsonSchema({"type": "string", "pattern": MAIL_PATTERN, "maxLength": 254}),
]


class WebhookDraft(Contract):
    """A subscription as its owner wants it."""

    model_config = ConfigDict(extra="forbid")
    url: WebhookUrl
    event_types: EventTypes
    playbook_ids: PlaybookIds = Field(default_factory=list)
    """Only runs of these; empty: of all."""
    description: Description = ""
    contact: Contact | None = None
    """E-mail address of who is told when it is disabled."""


class WebhookChange(Contract):
    """What of a subscription is changed; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    url: WebhookUrl | None = None
    event_types: EventTypes | None = None
    playbook_ids: PlaybookIds | None = None
    description: Description | None = None
    contact: Contact | None = None
    status: Literal["active", "paused"] | None = None

    def given(self) -> dict[str, Any]:
        """Null is a value of `contact` only; of the others it says nothing."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in values.items() if value is not None or name == "contact"}


class WebhookCommand(Command):
    """Base of all: to which subscription, of whom."""

    webhook_id: str
    organization_id: str


class CreateWebhook(WebhookCommand):
    draft: WebhookDraft


class ChangeWebhook(WebhookCommand):
    change: WebhookChange
    if_match: str | None = Field(default=None, max_length=200)
    """An `If-Match` header: the change is made only if the subscription's ETag is one of these."""

    @field_serializer("change")
    def _as_sent(self, change: WebhookChange) -> dict[str, Any]:
        return change.model_dump(mode="json", exclude_unset=True)


class DeleteWebhook(WebhookCommand):
    """Nothing more is sent, and it is shown no more."""


class EnableWebhook(WebhookCommand):
    """One that was disabled or paused is active again."""


class RotateWebhookSecret(WebhookCommand):
    """A new secret; the old ones sign too for a time."""

    old_valid_seconds: int = Field(default=OLD_SECRET_SECONDS, ge=0, le=MAX_OLD_SECRET_SECONDS)


class TestWebhook(WebhookCommand):
    """Sends one message that says nothing, once."""

    __test__ = False


class ReplayDelivery(WebhookCommand):
    """Sends one message again, whatever became of it before."""

    delivery_id: str


class ReplayFailedDeliveries(WebhookCommand):
    """Sends again what failed, of the events since then."""

    since: Moment


NOTIFIER_COMMANDS: tuple[type[WebhookCommand], ...] = (
    CreateWebhook, ChangeWebhook, DeleteWebhook, EnableWebhook, RotateWebhookSecret, TestWebhook, ReplayDelivery,
    ReplayFailedDeliveries,
)  # fmt: skip
