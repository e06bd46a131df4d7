"""Settings of the notifier."""

from ipaddress import IPv4Network, IPv6Network
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from services.notifier.domain.mail import address_of
from shared.keyring import EncryptionKeys
from shared.settings import ServiceSettings

SMTP_SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class NotifierSettings(ServiceSettings):
    notifier_smtp_url: SecretStr | None = Field(
        default=None,
        description="smtp://[user:password@]host[:port], smtp+starttls://… or smtps://…; without it nothing is sent",
    )
    notifier_from: str | None = Field(default=None, description="the sender's address")
    notifier_email_domain: str | None = Field(
        default=None, description="what makes an address of a user id that is none"
    )
    notifier_concurrency: int = Field(default=8, ge=1, description="e-mails under way at a time")
    notifier_idle_seconds: float = Field(default=1.0, gt=0, description="between looks for what is due")
    notifier_smtp_timeout_seconds: float = Field(default=30.0, gt=0)
    notifier_kept_days: float = Field(default=30, gt=1, description="how long deliveries can be looked up")

    encryption_keys: EncryptionKeys = Field(
        default=None, description="as the run engine has it: the first one encrypts the secrets of webhooks"
    )
    run_engine_url: str = Field(description="http://host:port of run_engine, which knows each run's playbook")
    notifier_webhook_allowed_networks: frozenset[IPv4Network | IPv6Network] = Field(
        default=frozenset(), description="JSON list of private networks (CIDR) that webhooks may go to; none by default"
    )
    notifier_webhooks_per_organization: int = Field(default=50, ge=1, description="subscriptions")
    notifier_webhook_concurrency: int = Field(default=64, ge=1, description="calls under way at a time")
    notifier_webhook_concurrency_per_organization: int = Field(
        default=16, ge=1, description="of those, at most so many of one organisation, whatever endpoints it has"
    )
    notifier_webhook_concurrency_per_endpoint: int = Field(
        default=4, ge=1, description="of those, at most so many of one subscription: a slow endpoint slows its own"
    )
    notifier_webhook_timeout_seconds: float = Field(default=15.0, gt=0, description="for one call, look-up included")
    notifier_webhook_first_retry_seconds: float = Field(
        default=5.0, gt=0, description="pause after the first try; it doubles from try to try, and up to half is added"
    )
    notifier_webhook_longest_retry_seconds: float = Field(default=3600.0, gt=0, description="longest pause")
    notifier_webhook_given_up_after_hours: float = Field(default=24.0, gt=0, description="then it has failed")
    notifier_webhook_disabled_after_days: float = Field(
        default=5.0, gt=0, description="a subscription is disabled when every try has failed for so long"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.notifier_smtp_url is None:
            return self
        parts = urlsplit(self.notifier_smtp_url.get_secret_value())
        if parts.scheme not in SMTP_SCHEMES or not parts.hostname:
            raise ValueError("NOTIFIER_SMTP_URL must be smtp://, smtp+starttls:// or smtps:// with a host")
        if self.notifier_from is None or address_of(self.notifier_from, None) is None:
            raise ValueError("NOTIFIER_FROM must be an e-mail address where NOTIFIER_SMTP_URL is set")
        return self
