"""Puts the webhooks together."""

from collections.abc import Callable
from datetime import timedelta

from contracts.topics import NOTIFIER_COMMANDS
from services.notifier.domain.retries import Schedule
from services.notifier.settings import NotifierSettings
from services.notifier.store import NoticeStore
from services.notifier.webhooks import deliveries as sent
from services.notifier.webhooks import store as subscriptions
from services.notifier.webhooks.calls import Endpoints
from services.notifier.webhooks.deliveries import DeliveryStore, Outgoing
from services.notifier.webhooks.fan_out import FanOut
from services.notifier.webhooks.notices import DisabledNotices
from services.notifier.webhooks.playbooks import Playbooks
from services.notifier.webhooks.queries import router
from services.notifier.webhooks.resealing import Resealing
from services.notifier.webhooks.secrets import Secrets
from services.notifier.webhooks.sending import WebhookSender
from services.notifier.webhooks.shares import Shares
from services.notifier.webhooks.store import WebhookStore
from services.notifier.webhooks.taking import CommandConsumer
from shared.kafka import Parking
from shared.keyring import Keyring
from shared.leased_work import LeasedWork
from shared.service import Service

INDEXES = {**subscriptions.INDEXES, **sent.INDEXES}
_LEASE_OVER_TIMEOUT = timedelta(seconds=15)


def add_webhooks(
    service: Service, settings: NotifierSettings, mails: NoticeStore, wake_mails: Callable[[], None] | None
) -> FanOut:
    """What it returns is to be given the events."""
    kept = timedelta(days=settings.notifier_kept_days)
    lease = timedelta(seconds=settings.notifier_webhook_timeout_seconds) + _LEASE_OVER_TIMEOUT
    webhooks, deliveries = WebhookStore(service.mongo), DeliveryStore(service.mongo, kept, lease)
    secrets = Secrets(Keyring.of(settings.encryption_keys))
    service.before.append(Resealing(webhooks, secrets).rewrap)
    work = _work(service, settings, webhooks, deliveries, secrets, DisabledNotices(mails, wake_mails))
    parking = Parking(service.publisher, NOTIFIER_COMMANDS, service.name)
    allowed, limit = settings.notifier_webhook_allowed_networks, settings.notifier_webhooks_per_organization
    commands = CommandConsumer(webhooks, deliveries, secrets, service.publisher, parking, allowed, limit, work.wake)
    group = NOTIFIER_COMMANDS.group(service.name)
    service.consumers.add(NOTIFIER_COMMANDS, group, commands.handle, commands.set_aside)
    service.app.include_router(router(webhooks, deliveries, secrets))
    playbooks = Playbooks(settings.run_engine_url, service.token, settings.verification)
    service.after.append(playbooks.stop)
    return FanOut(webhooks, deliveries, playbooks, kept, work.wake)


def _work(
    service: Service,
    settings: NotifierSettings,
    webhooks: WebhookStore,
    deliveries: DeliveryStore,
    secrets: Secrets,
    notices: DisabledNotices,
) -> LeasedWork[Outgoing]:
    at_once = settings.notifier_webhook_concurrency
    endpoints = Endpoints(
        secrets, settings.notifier_webhook_allowed_networks, at_once, settings.notifier_webhook_timeout_seconds
    )
    shares = Shares(
        settings.notifier_webhook_concurrency_per_endpoint,
        settings.notifier_webhook_concurrency_per_organization,
        webhooks.organizations,
    )
    sender = WebhookSender(
        webhooks,
        deliveries,
        endpoints,
        notices,
        schedule_of(settings),
        timedelta(days=settings.notifier_webhook_disabled_after_days),
        shares,
    )
    work = LeasedWork(sender.claim, sender.deliver, at_once, settings.notifier_idle_seconds)

    async def finish() -> None:
        await work.finish(settings.shutdown_seconds)

    service.before.append(endpoints.start)
    service.loops += [work.round, sender.watch]
    service.after += [finish, endpoints.stop]
    return work


def schedule_of(settings: NotifierSettings) -> Schedule:
    return Schedule(
        first=timedelta(seconds=settings.notifier_webhook_first_retry_seconds),
        longest=timedelta(seconds=settings.notifier_webhook_longest_retry_seconds),
        given_up_after=timedelta(hours=settings.notifier_webhook_given_up_after_hours),
    )
