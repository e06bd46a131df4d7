"""A mail server of the tests: keeps what it is given, and answers as told."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """Accepts mail, or answers as told: by recipient, a status line."""

    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        refusals = self.refusals.get(address)
        if refusals:
            return refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 accepted"

    def to(self, address: str) -> list[Envelope]:
        return [mail for mail in self.mails if mail.rcpt_tos == [address]]

    @property
    def settings(self) -> dict[str, str]:
        """Of a notifier that sends here."""
        return {
            "NOTIFIER_SMTP_URL": f"smtp://127.0.0.1:{self.port}",
            "NOTIFIER_FROM": "hera@hera.example",
            "NOTIFIER_EMAIL_DOMAIN": "hera.example",
        }


@contextlib.contextmanager
def receiving() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = _OnFreePort(box, hostname="127.0.0.1", port=0)
    controller.start()
    server: Any = controller.server
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        controller.stop()


class _OnFreePort(Controller):
    """Knows the port that it was given, which its own start needs to look whether it answers."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]
