"""Public holidays go on by themselves: each year the calendars that name a country are put again, by the system."""

import asyncio

import structlog

from contracts.calendars import KIND, Calendar
from contracts.organization_documents import PutOrganizationDocument, local_key
from contracts.rejections import Rejection
from contracts.topics import REGISTRY_COMMANDS
from contracts.values import SYSTEM_CALLER
from services.playbook_registry.domain.calendars import is_behind
from services.playbook_registry.organization.changes import checked
from services.playbook_registry.organization.store import DocumentStore, StoredDocument
from shared import clock
from shared.ids import stable_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message

COMMENT = "Public holidays of another year"
_LOOK_SECONDS = 6 * 3600.0
log = structlog.get_logger()


class HolidayRenewal:
    def __init__(self, store: DocumentStore, publisher: Publisher) -> None:
        self._store = store
        self._publisher = publisher

    async def round(self) -> None:
        """One round of the service's loop."""
        await self.renew()
        await asyncio.sleep(_LOOK_SECONDS)

    async def renew(self) -> None:
        """A command for each calendar that is behind: the same one, however many instances look, and however often."""
        today = clock.now().date()
        calendars = await self._store.everywhere(KIND)
        behind = [c for c in calendars if is_behind(Calendar.model_validate(c.content), today)]
        policies = await self._store.policies({c.organization_id for c in behind})
        for calendar in behind:
            outcome = checked(KIND, dict(calendar.content), policies[calendar.organization_id], calendar.name)
            if isinstance(outcome, Rejection):
                whose = {"organization_id": calendar.organization_id, "calendar": calendar.name}
                log.error("calendar_not_renewed", **whose, reason=outcome.details)
            else:
                await self._publisher.publish([_put(calendar, today.year)])


def _put(calendar: StoredDocument, year: int) -> OutgoingMessage:
    """Of this revision only: whoever put another meanwhile had its holidays worked out."""
    command = PutOrganizationDocument(
        caller=SYSTEM_CALLER,
        organization_id=calendar.organization_id,
        kind=KIND,
        name=calendar.name,
        content=dict(calendar.content),
        if_match=calendar.etag,
        comment=COMMENT,
    )
    name = stable_id("cmd", "holidays", calendar.organization_id, calendar.name, str(calendar.revision), str(year))
    return command_message(
        REGISTRY_COMMANDS.name,
        local_key(KIND, calendar.name),
        command,
        message_id=name,
        organization_id=calendar.organization_id,
        correlation_id=name,
        time=clock.now(),
    )
