"""The mail server: accepted, not now, or never."""

import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from pydantic import SecretStr

from services.notifier.domain.mail import Mail
from services.notifier.settings import SMTP_SCHEMES
from shared.clock import now
from shared.ids import stable_id

log = structlog.get_logger()
_FAULTS = (aiosmtplib.SMTPException, OSError)


class Deferred(Exception):
    """The server does not take it now; later it may."""


class Undeliverable(Exception):
    """The server will never take this mail."""


class MailServer:
    """Sends mail over a connection of its own each; TLS certificates are verified."""

    def __init__(self, url: SecretStr, sender: str, timeout_seconds: float) -> None:
        parts = urlsplit(url.get_secret_value())
        self._sender = sender
        self._timeout = timeout_seconds
        self._host, self._port = parts.hostname or "", parts.port or SMTP_SCHEMES[parts.scheme]
        self._use_tls, self._start_tls = parts.scheme == "smtps", parts.scheme == "smtp+starttls"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._tls = ssl.create_default_context()

    async def send(self, delivery_id: str, mail: Mail) -> None:
        """Returns when the server has accepted it. Raises Deferred or Undeliverable."""
        try:
            await aiosmtplib.send(
                self._message(delivery_id, mail),
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._use_tls,
                start_tls=self._start_tls,
                tls_context=self._tls if self._use_tls or self._start_tls else None,
                timeout=self._timeout,
            )
        except _FAULTS as error:
            raise (Undeliverable if _for_good(error) else Deferred)(_sentence(error)) from error
        except Exception as error:  # a surprise is a failed try: it must come to an end like any other
            log.exception("notification_try_failed", delivery_id=delivery_id)
            raise Deferred(f"unexpected {type(error).__name__} in the notifier") from error

    def _message(self, delivery_id: str, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = now()
        # The same for each try, so that a mail that was accepted unheard can be told as a repeat.
        message["Message-ID"] = f"<{stable_id('notice', delivery_id)}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


def _for_good(error: Exception) -> bool:
    """5xx to the recipient or the mail; to the greeting, the login or the sender it is our own set-up, to be mended."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refused.code >= 500 for refused in error.recipients)
    return isinstance(error, aiosmtplib.SMTPDataError) and error.code >= 500


def _sentence(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(f"{refused.recipient}: {refused.code} {refused.message}" for refused in error.recipients)
    return f"{type(error).__name__}: {error}"
