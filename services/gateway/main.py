"""Puts the gateway together."""

from contracts import topics
from services.gateway import store
from services.gateway.access_log import AccessLog, RefusedCalls
from services.gateway.admission import Admission
from services.gateway.application import application
from services.gateway.commands import Commands
from services.gateway.edge import Edge
from services.gateway.identity import FreshKeys, published_keys, token_verifier
from services.gateway.in_force import InForce
from services.gateway.limiting import Limiting
from services.gateway.outcomes import CommandOutcomes
from services.gateway.owners import Owner
from services.gateway.pinned import PinnedDefinitions
from services.gateway.rate_limits import RateLimits
from services.gateway.routes.analytics import AnalyticsRoutes
from services.gateway.routes.audit import AuditRoutes
from services.gateway.routes.calendars import CalendarRoutes
from services.gateway.routes.delegations import DelegationRoutes
from services.gateway.routes.encryption import EncryptionRoutes
from services.gateway.routes.outcomes import OperationRoutes
from services.gateway.routes.playbooks import PlaybookCommandRoutes, PlaybookReadRoutes
from services.gateway.routes.policies import PolicyRoutes
from services.gateway.routes.runs import RunCommandRoutes, RunReadRoutes
from services.gateway.routes.secrets import SecretRoutes
from services.gateway.routes.table import routes
from services.gateway.routes.webhooks import WebhookCommandRoutes, WebhookReadRoutes
from services.gateway.settings import GatewaySettings
from services.gateway.store import IdempotencyKeys
from shared.request_reply import Requester
from shared.service import Service


def build(settings: GatewaySettings) -> Service:
    app = application()
    service = Service("gateway", settings, app)
    requester = Requester(settings, service.publisher, topics.GATEWAY_REPLIES, service.name)
    urls = {
        "playbook_registry": settings.registry_url,
        "run_engine": settings.run_engine_url,
        "timeline": settings.timeline_url,
        "analytics": settings.analytics_url,
        "notifier": settings.notifier_url,
    }
    patience, tls = settings.reply_timeout_seconds, settings.verification
    owners = {name: Owner(name, url, patience, service.token, tls) for name, url in urls.items()}
    registry, run_engine, timeline, analytics, notifier = owners.values()

    published = published_keys(settings)
    verifier = token_verifier(settings, published)
    if settings.rate_limit_per_minute:
        limits = RateLimits(settings, service.mongo.name, settings.rate_limit_per_minute, settings.rate_limits)
        app.add_middleware(Limiting, verifier=verifier, limits=limits)
    if published:
        app.add_middleware(FreshKeys, verifier=verifier, published=published)
        service.before.append(published.refresh)
        service.loops.append(published.keep_fresh)
    access_log = AccessLog(run_engine)
    app.add_middleware(RefusedCalls, access_log=access_log)
    app.add_middleware(Edge)  # the outermost
    admission = Admission(verifier, settings.max_body_bytes)
    outcomes = CommandOutcomes(registry, run_engine, notifier)
    keys = IdempotencyKeys(service.mongo)
    commands = Commands(requester, keys, outcomes, settings.reply_timeout_seconds, settings.max_commands_in_flight)
    in_force = InForce(run_engine)
    app.router.routes[:0] = routes(
        RunCommandRoutes(admission, commands, PinnedDefinitions(registry), run_engine),
        RunReadRoutes(admission, run_engine, timeline),
        PlaybookCommandRoutes(admission, commands, registry, run_engine),
        PlaybookReadRoutes(admission, registry, analytics),
        AnalyticsRoutes(admission, commands, analytics),
        PolicyRoutes(admission, commands, registry, run_engine, in_force),
        CalendarRoutes(admission, commands, registry, run_engine, in_force),
        DelegationRoutes(admission, commands, registry, in_force),
        OperationRoutes(admission, outcomes, run_engine, in_force),
        AuditRoutes(admission, run_engine, timeline),
        WebhookCommandRoutes(admission, commands, notifier, registry, access_log),
        WebhookReadRoutes(admission, notifier),
        EncryptionRoutes(admission, commands, run_engine),
        SecretRoutes(admission, commands, run_engine),
    )
    service.indexes = store.INDEXES
    service.before.append(requester.start)
    service.alive_while.append(requester.ready)
    service.newer_messages[topics.GATEWAY_REPLIES.name] = requester.newer
    service.loops.append(access_log.round)
    service.after += [requester.stop, access_log.flush, *(owner.close for owner in owners.values())]
    return service
