"""Puts the notifier together. Without a mail server it sends webhooks only."""

from datetime import timedelta

from contracts.topics import POLICY_EVENTS, RUN_EVENTS
from services.notifier import organizations
from services.notifier.consumers import EventConsumer
from services.notifier.delegations import DelegationMails
from services.notifier.mails import Mails
from services.notifier.organizations import DirectoryStore, DocumentConsumer
from services.notifier.sending import Sender
from services.notifier.settings import NotifierSettings
from services.notifier.smtp import MailServer
from services.notifier.store import INDEXES, Delivery, NoticeStore
from services.notifier.webhooks import assembly
from shared.kafka import Parking
from shared.leased_work import LeasedWork
from shared.service import Service

_LEASE_OVER_TIMEOUT = 10
"""One delivery talks to the mail server several times, each within the timeout."""


def build(settings: NotifierSettings) -> Service:
    service = Service("notifier", settings)
    service.indexes = {**INDEXES, **organizations.INDEXES, **assembly.INDEXES}
    store = _store(service, settings)
    work = _mail_work(service, settings, store)
    wake = work.wake if work else None
    fan_out = assembly.add_webhooks(service, settings, store, wake)
    parking = Parking(service.publisher, RUN_EVENTS, service.name)
    directories = _directories(service, DelegationMails(store, wake) if wake else None)
    mails = Mails(store, directories, settings.notifier_email_domain, wake) if wake else None
    consumer = EventConsumer(mails, fan_out, parking)
    service.consumers.add(RUN_EVENTS, RUN_EVENTS.group(service.name), consumer.handle, parking.set_aside)
    return service


def _directories(service: Service, mails: DelegationMails | None) -> DirectoryStore:
    """Followed without a mail server too, so that they are there when one is configured."""
    store, parking = DirectoryStore(service.mongo), Parking(service.publisher, POLICY_EVENTS, service.name)
    documents = DocumentConsumer(store, mails, parking)
    service.consumers.add(POLICY_EVENTS, POLICY_EVENTS.group(service.name), documents.handle, parking.set_aside)
    return store


def _store(service: Service, settings: NotifierSettings) -> NoticeStore:
    return NoticeStore(
        service.mongo,
        kept=timedelta(days=settings.notifier_kept_days),
        lease=timedelta(seconds=settings.notifier_smtp_timeout_seconds * _LEASE_OVER_TIMEOUT),
    )


def _mail_work(service: Service, settings: NotifierSettings, store: NoticeStore) -> LeasedWork[Delivery] | None:
    if settings.notifier_smtp_url is None or settings.notifier_from is None:
        return None
    server = MailServer(settings.notifier_smtp_url, settings.notifier_from, settings.notifier_smtp_timeout_seconds)
    sender = Sender(settings, store, service.publisher, server)
    work = LeasedWork(sender.claim, sender.deliver, settings.notifier_concurrency, settings.notifier_idle_seconds)

    async def finish() -> None:
        await work.finish(settings.shutdown_seconds)

    service.loops.append(work.round)
    service.after.append(finish)
    return work
