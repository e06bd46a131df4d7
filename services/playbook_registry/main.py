"""Puts the registry together."""

from contracts.topics import REGISTRY_COMMANDS
from services.playbook_registry import store
from services.playbook_registry.consumers import CommandConsumer
from services.playbook_registry.delegations import queries as delegation_queries
from services.playbook_registry.delegations import store as delegation_store
from services.playbook_registry.delegations.store import DelegationStore
from services.playbook_registry.lists import PlaybookLists
from services.playbook_registry.organization import calendar_queries
from services.playbook_registry.organization import queries as organization_queries
from services.playbook_registry.organization import store as organization_store
from services.playbook_registry.organization.renewal import HolidayRenewal
from services.playbook_registry.organization.store import DocumentStore
from services.playbook_registry.queries import router
from services.playbook_registry.settings import Settings
from services.playbook_registry.store import PlaybookStore
from shared.kafka import Parking
from shared.service import Service

NAME = "playbook_registry"


def build(settings: Settings) -> Service:
    service = Service(NAME, settings)
    playbooks, documents = PlaybookStore(service.mongo), DocumentStore(service.mongo)
    delegations = DelegationStore(service.mongo)
    service.loops.append(HolidayRenewal(documents, service.publisher).round)
    parking = Parking(service.publisher, REGISTRY_COMMANDS, NAME)
    commands = CommandConsumer(playbooks, documents, delegations, service.publisher, parking, settings.has_base)
    service.consumers.add(REGISTRY_COMMANDS, REGISTRY_COMMANDS.group(service.name), commands.handle, commands.set_aside)
    service.indexes = {**store.INDEXES, **organization_store.INDEXES, **delegation_store.INDEXES}
    service.app.include_router(router(playbooks, PlaybookLists(service.mongo), documents, settings.has_base))
    service.app.include_router(organization_queries.router(documents, PlaybookLists(service.mongo), playbooks.outcomes))
    service.app.include_router(calendar_queries.router(documents, PlaybookLists(service.mongo), playbooks.outcomes))
    service.app.include_router(delegation_queries.router(delegations, playbooks.outcomes))
    return service
