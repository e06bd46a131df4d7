"""The mail to a substitute whose delegation begins: of steps that are open already they hear nothing else."""

from collections.abc import Callable, Sequence

from contracts.organization_documents import OrganizationDocumentChanged
from contracts.policies import DELEGATION, Delegation
from services.notifier.domain.notices import of_delegation
from services.notifier.domain.retries import FOR_A_DAY
from services.notifier.store import EMAIL, Delivery, NoticeStore
from shared.clock import now
from shared.messages import Message


class DelegationMails:
    """Stores a delivery that is due when the delegation begins. `wake` is called when there are any."""

    def __init__(self, store: NoticeStore, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake

    async def take(self, messages: Sequence[Message]) -> None:
        """Of all documents the delegations; one that was revoked is told to nobody any more."""
        told = [_told(message) for message in messages]
        deliveries = [delivery for delivery in told if isinstance(delivery, Delivery)]
        await self._store.add(deliveries)
        await self._store.withdraw([delivery for delivery in told if isinstance(delivery, str)])
        if deliveries:
            self._wake()


def _told(message: Message) -> Delivery | str | None:
    """The delivery, or the id of one that is to be withdrawn."""
    event, envelope = message.payload, message.envelope
    assert isinstance(event, OrganizationDocumentChanged)
    if event.kind != DELEGATION:
        return None
    delegation, delivery_id = Delegation.model_validate(event.content), f"{event.name}:{EMAIL}"
    if delegation.ends_at <= event.at:
        return delivery_id
    begins = max(delegation.starts_at, event.at)
    notice = of_delegation(envelope.organization_id, event, delegation)
    if notice is None or now() >= min(delegation.ends_at, begins + FOR_A_DAY.given_up_after):
        return None
    return Delivery(
        delivery_id, notice, "pending", 0, begins, envelope.correlation_id, envelope.id, envelope.traceparent
    )
