"""What a subscription may say, and what is said to who got it wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.entries import event_type
from contracts.events import RUN_EVENTS
from contracts.webhooks import EVENT_TYPES, URL_PATTERN, ChangeWebhook, WebhookChange, WebhookDraft
from tests.unit.notifier.test_subscribing import WHOSE


def draft(**over: Any) -> WebhookDraft:
    return WebhookDraft(**{"url": "https://a.example", "event_types": ["*"], **over})


def test_every_event_of_a_run_can_be_subscribed_to() -> None:
    assert set(EVENT_TYPES) == {"*", *(event_type(event.__name__) for event in RUN_EVENTS)}
    assert draft(event_types=list(EVENT_TYPES)).event_types == list(EVENT_TYPES)


def test_a_type_that_is_misspelt_is_told_with_the_right_one() -> None:
    with pytest.raises(ValidationError, match="did you mean step_completed"):
        draft(event_types=["step_complete"])


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com", "http://localhost:8080/a/b?c=d&e", "https://1.2.3.4/x%20y", "https://a-b.example:65535",
    ],
)  # fmt: skip
def test_takes_addresses(url: str) -> None:
    assert draft(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example.com", "ftp://a.example", "https://", "https://u:p@a.example", "https://a.example/#x",
        "https://a.example\\@b.example", "https://a b.example", "https://a.example:0", "https://a.example:65536",
        "https://ä.example", "https://a.example/\n", "//a.example", "https://[::1]/", "https://a..example",
    ],
)  # fmt: skip
def test_refuses_what_is_none(url: str) -> None:
    with pytest.raises(ValidationError, match="must be https://"):
        draft(url=url)


@given(st.from_regex(URL_PATTERN.removesuffix("$"), fullmatch=True))
def test_what_the_documented_pattern_takes_is_taken(url: str) -> None:
    assert len(url) > 2000 or draft(url=url).url == url


def test_a_change_travels_as_it_was_sent() -> None:
    sent = ChangeWebhook(**WHOSE, change=WebhookChange(contact=None, description="x"))
    assert sent.model_dump(mode="json")["change"] == {"contact": None, "description": "x"}
    back = ChangeWebhook.model_validate_json(sent.model_dump_json())
    assert back.change.given() == {"contact": None, "description": "x"}


@pytest.mark.parametrize("contact", ["nobody", "a@b@c", "a b@c.example", "@c.example", "a@c.example\n"])
def test_a_contact_is_an_e_mail_address(contact: str) -> None:
    with pytest.raises(ValidationError, match="must be an e-mail address"):
        draft(contact=contact)
    assert draft(contact="ops@example.com").contact == "ops@example.com"
