"""The words of an e-mail, and the address that it goes to."""

import re
from dataclasses import dataclass

from contracts.values import rfc3339
from services.notifier.domain.notices import Notice, NoticeType

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_SUBJECTS: dict[NoticeType, str] = {
    "step_assignment": "Assigned to {whom}: {about}",
    "step_offer": "Open to {whom}: {about}",
    "step_escalation": "Escalated: {about}",
    "step_overdue": "Overdue: {about}",
    "step_reminder": "Due soon: {about}",
    "run_overdue": "Overdue: {about}",
    "run_completed": "Completed: {about}",
    "run_failed": "Failed: {about}",
    "run_cancelled": "Cancelled: {about}",
    "delegation": "You stand in for {whom}: what waits for them is among your tasks",
    "webhook_disabled": "Webhook disabled: {about}",
}


@dataclass(frozen=True, slots=True)
class Mail:
    to: str
    subject: str
    text: str


def address_of(user: str, domain: str | None) -> str | None:
    """The user's id where it is an address, else with the domain behind it; None where that makes no address."""
    address = user if "@" in user else f"{user}@{domain}" if domain else ""
    return address if len(address) <= 254 and _ADDRESS.fullmatch(address) else None


def mail(notice: Notice, to: str) -> Mail:
    facts = {
        "Step": f"{_line(notice.step_name or '')} ({notice.step_id})" if notice.step_id else None,
        "Playbook": _line(notice.playbook_name) if notice.playbook_name else None,
        "Run": notice.run_id,
        "Webhook": notice.webhook_id,
        "Address": notice.url,
        "Organisation": notice.organization_id,
        "Outcome": notice.outcome,
        "Due": rfc3339(notice.due_at) if notice.due_at else None,
        "Reason": _line(notice.reason) if notice.reason else None,
        "As": _line(notice.role) if notice.role else None,
        "In place of": _line(notice.on_behalf_of) if notice.on_behalf_of else None,
        "Until": rfc3339(notice.until) if notice.until else None,
    }
    lines = [f"{name + ':':<14}{fact}" for name, fact in facts.items() if fact]
    return Mail(to, _subject(notice), "\n".join(lines) + "\n")


def _subject(notice: Notice) -> str:
    about = _line(notice.step_name or notice.playbook_name or notice.url or "")
    whom = notice.on_behalf_of or (f"role {notice.role}" if notice.role else "you")
    return _SUBJECTS[notice.type].format(whom=_line(whom), about=about).replace("=?", "= ?")  # nothing to be decoded


def _line(text: str) -> str:
    """Users wrote it: kept to one line, so that it can begin no header and no paragraph of its own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
