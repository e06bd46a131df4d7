"""Puts the registry together."""

from contracts.topics import REGISTRY_COMMANDS
from services.playbook_registry import store
from services.playbook_registry.consumers import CommandConsumer
from services.playbook_registry.lists import PlaybookLists
from services.playbook_registry.queries import router
from services.playbook_registry.settings import Settings
from services.playbook_registry.store import PlaybookStore
from shared.kafka import Parking
from shared.service import Service

NAME = "playbook_registry"


def build(settings: Settings) -> Service:
    service = Service(NAME, settings)
    playbooks = PlaybookStore(service.mongo)
    parking = Parking(service.publisher, REGISTRY_COMMANDS, NAME)
    commands = CommandConsumer(playbooks, service.publisher, parking)
    service.consumers.add(REGISTRY_COMMANDS, service.group(REGISTRY_COMMANDS.name), commands.handle, commands.set_aside)
    service.indexes = store.INDEXES
    service.app.include_router(router(playbooks, PlaybookLists(service.mongo)))
    return service
