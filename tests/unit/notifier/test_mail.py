"""The words of an e-mail, and its address."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP, default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.notifier.domain.mail import address_of, mail
from services.notifier.domain.notices import Notice
from services.notifier.smtp import MailServer

NOTICE = Notice(
    "run_1", 7, "org_1", "manager_1", "step_assignment", "step_002", "Qualification Review",
    datetime(2024, 1, 15, 11, tzinfo=UTC), "leave",
)  # fmt: skip


def test_a_user_id_that_is_an_address_is_kept() -> None:
    assert address_of("ann@acme.example", "hera.example") == "ann@acme.example"


def test_the_domain_makes_an_address_of_any_other() -> None:
    assert address_of("sales_manager_002", "hera.example") == "sales_manager_002@hera.example"


@pytest.mark.parametrize(
    "user", ["", "two words", "a@b@c", "ann@", "@acme.example", "ann@acme.example\r\nBcc: x@y.z", "a,b", "ä", "x" * 300]
)
def test_what_makes_no_address_has_none(user: str) -> None:
    assert address_of(user, "hera.example") is None


def test_there_is_no_address_without_a_domain() -> None:
    assert address_of("sales_manager_002", None) is None


def test_the_mail_says_what_waits_where_and_until_when() -> None:
    written = mail(NOTICE, "m@hera.example")
    assert written.subject == "Assigned to you: Qualification Review"
    for fact in ("Qualification Review (step_002)", "run_1", "org_1", "2024-01-15T11:00:00.000Z", "leave"):
        assert fact in written.text


def test_a_mail_says_as_what_somebody_gets_it() -> None:
    substitute = mail(replace(NOTICE, on_behalf_of="ann\r\nBcc: x", role="finance"), "s@hera.example")
    assert substitute.subject == "Assigned to ann Bcc: x: Qualification Review"
    assert "In place of:  ann Bcc: x\n" in substitute.text
    holder = mail(replace(NOTICE, type="step_offer", role="finance"), "f@hera.example")
    assert holder.subject == "Open to role finance: Qualification Review"
    assert "As:           finance\n" in holder.text
    assert mail(replace(NOTICE, type="step_offer"), "f@hera.example").subject == "Open to you: Qualification Review"


def test_a_step_name_can_write_no_header() -> None:
    evil = Notice("run_1", 7, "org_1", "m", "step_overdue", "step_002", "Pay\r\nBcc: all@acme.example\x00\n\nDear")
    written = mail(evil, "m@hera.example")
    message = MailServer(SecretStr("smtp://h"), "hera@hera.example", 5)._message("d_1", written)
    assert written.subject == "Overdue: Pay Bcc: all@acme.example Dear"
    assert message["Bcc"] is None


_PARTS = [
    "=?utf-8?b?//?=",
    "=?utf-8?q?",
    "=?",
    "?=",
    "=20",
    "a",
    "ü",
    "😀",
    " ",
    "\n",
    "<",
    "@",
    ";",
    '"',
    "\\",
    "漢" * 30,
]


@example("=?utf-8?b?//?=😀")
@given(st.lists(st.sampled_from(_PARTS), max_size=12).map("".join))
def test_whatever_a_step_is_called_the_mail_can_be_written(name: str) -> None:
    """What looks encoded would be decoded for the subject, to what no mail can hold."""
    message = MailServer(SecretStr("smtp://h"), "hera@hera.example", 5)._message(
        "d_1", mail(replace(NOTICE, step_name=name), "m@hera.example")
    )
    read = message_from_bytes(message.as_bytes(policy=SMTP), policy=default)
    assert set(read) == set(message)


def test_every_try_of_a_delivery_has_one_message_id() -> None:
    server = MailServer(SecretStr("smtp://h"), "hera@hera.example", 5)
    ids = {server._message("d_1", mail(NOTICE, "m@hera.example"))["Message-ID"] for _ in range(2)}
    assert len(ids) == 1
    assert ids.pop().endswith("@hera.example>")
