"""What docs/webhooks.md tells receivers to do is enough, and needed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from services.notifier.domain.webhooks import Secret, Webhook
from services.notifier.webhooks.calls import signed_headers
from services.notifier.webhooks.deliveries import Outgoing
from services.notifier.webhooks.secrets import Secrets
from shared.keyring import Keyring

PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"
OLD, NEW = "whsec_b2xkIHNlY3JldCBvbGQgc2VjcmV0", "whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0"


@pytest.fixture
def receive() -> Callable[..., Any]:
    """The page's own code."""
    match = re.search(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert match and len([line for line in match[1].splitlines() if line.strip()]) <= 10
    names: dict[str, Any] = {}
    exec(match[1], names)
    found: Callable[..., Any] = names["receive"]
    return found


def sent(minutes_ago: float = 0) -> tuple[bytes, dict[str, str]]:
    """Body and headers, as of an instance at that time."""
    now = datetime.now(UTC)
    kept = [Secret(version=2, value=NEW), Secret(version=1, value=OLD, valid_until=now + timedelta(hours=1))]
    webhook = Webhook(
        webhook_id="wh_1", organization_id="org_1", url="https://a.example", event_types=("*",), playbook_ids=(),
        description="", contact=None, status="active", created_at=now, created_by="ops", updated_at=now,
        updated_by="ops", secrets=tuple(kept),
    )  # fmt: skip
    body = '{"type":"run_completed","data":{"name":"Zoë"}}'
    message = Outgoing("msg_1", "wh_1", "org_1", "run_1:1", "run_completed", "run_1", body, now, now, "req_1", None)
    at = now - timedelta(minutes=minutes_ago)
    return body.encode(), signed_headers(Secrets(Keyring({})).signing(webhook, at), message, at)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_takes_what_is_signed_by_the_old_secret_or_the_new_one(receive: Callable[..., Any], secret: str) -> None:
    body, headers = sent()
    assert receive(secret, body, headers, set())["data"] == {"name": "Zoë"}


def test_takes_a_message_once(receive: Callable[..., Any]) -> None:
    (body, headers), seen = sent(), set[str]()
    assert receive(NEW, body, headers, seen) is not None
    assert receive(NEW, body, headers, seen) is None


@pytest.mark.parametrize(
    ("secret", "body", "age"),
    [
        ("whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA==", None, 0),
        (NEW, b'{"type":"run_completed","data":{"name":"Eve"}}', 0),
        (NEW, None, 6),
    ],
    ids=["by another secret", "changed on the way", "sent again later"],
)
def test_takes_nothing_else(receive: Callable[..., Any], secret: str, body: bytes | None, age: int) -> None:
    sent_body, headers = sent(age)
    with pytest.raises(WebhookVerificationError):
        receive(secret, body or sent_body, headers, set())
