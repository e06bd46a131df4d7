"""What one instance has in hand, and who has their share of it: an endpoint, or an organisation with all of its own."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

_REMEMBERED = 10_000


class Shares:
    """So many calls at a time of one endpoint, so many of one organisation, and none to an endpoint that wants a rest.

    `whose` says the organisations of subscriptions, by id.
    """

    def __init__(
        self, of_endpoint: int, of_organization: int, whose: Callable[[Collection[str]], Awaitable[dict[str, str]]]
    ) -> None:
        self._of_endpoint = of_endpoint
        self._of_organization = of_organization
        self._whose = whose
        self._owners: dict[str, str] = {}
        self._at_endpoints: Counter[str] = Counter()
        self._at_organizations: Counter[str] = Counter()
        self._resting: dict[str, datetime] = {}

    async def know(self, webhook_ids: Collection[str]) -> None:
        """Looks up whose they are: an endpoint counts for its organisation from its first call on."""
        unknown = [webhook_id for webhook_id in webhook_ids if webhook_id not in self._owners]
        if unknown:
            self._owners.update(await self._whose(unknown))
        if len(self._owners) > _REMEMBERED:
            self._owners = {name: self._owners[name] for name in webhook_ids if name in self._owners}

    def are_taken(self, webhook_id: str, now: datetime) -> bool:
        if self._resting.get(webhook_id, now) > now or self._at_endpoints[webhook_id] >= self._of_endpoint:
            return True
        return self._at_organizations[self._owners.get(webhook_id, "")] >= self._of_organization

    def take(self, webhook_id: str, organization_id: str) -> None:
        self._at_endpoints[webhook_id] += 1
        self._at_organizations[organization_id] += 1

    def give_back(self, webhook_id: str, organization_id: str) -> None:
        for in_hand, name in ((self._at_endpoints, webhook_id), (self._at_organizations, organization_id)):
            in_hand[name] -= 1
            if not in_hand[name]:
                del in_hand[name]

    def rest(self, webhook_id: str, until: datetime, now: datetime) -> None:
        """No call before then, for any of its messages."""
        self._resting = {name: end for name, end in self._resting.items() if end > now}
        self._resting[webhook_id] = until
