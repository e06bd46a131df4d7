"""Lists of playbooks, newest first, each filter served by an index of its own."""

from dataclasses import dataclass

from pymongo import ASCENDING, DESCENDING, IndexModel

from contracts.definitions import PlaybookStatus
from services.playbook_registry.documents import from_document, words_of
from services.playbook_registry.domain.playbook import StoredPlaybook
from shared.mongo import Document, Mongo
from shared.pages import Listing, Order, Page, page_of

_NEWEST_FIRST = Order(("created_at",), DESCENDING)


def _index(name: str, *fields: str) -> IndexModel:
    return IndexModel(
        [*((field, ASCENDING) for field in ("organization_id", *fields)), *_NEWEST_FIRST.sort()], name=name
    )


INDEXES = [
    _index("list_newest_first"),
    _index("list_by_status", "status"),
    _index("list_by_type", "type"),
    _index("list_by_category", "category"),
    _index("list_by_smart_code_prefix", "smart_code_prefixes"),
    _index("list_by_word", "words"),
]


@dataclass(frozen=True, slots=True)
class Filters:
    """What is left out lets everything through; all that is given must hold."""

    status: PlaybookStatus | None = None
    type: str | None = None
    category: str | None = None
    smart_code: str | None = None
    """Whole segments from the start, such as `HERA.CRM`."""
    q: str | None = None
    """Words, or their beginnings, of name and description."""

    def listing(self, organization_id: str, cursor: str | None, limit: int) -> Listing:
        return Listing(self._query(organization_id), _NEWEST_FIRST, repr(self), cursor, limit)

    def _query(self, organization_id: str) -> Document:
        """Deleted ones are never listed."""
        query: Document = {"organization_id": organization_id, "status": self.status or {"$ne": "deleted"}}
        given = {"type": self.type, "category": self.category, "smart_code_prefixes": self.smart_code}
        query |= {field: value for field, value in given.items() if value is not None}
        words = words_of(self.q) if self.q else []
        return query | ({"words": {"$all": words}} if words else {})


class PlaybookLists:
    def __init__(self, mongo: Mongo) -> None:
        self._playbooks = mongo.collection("playbooks")

    async def page(
        self, organization_id: str, filters: Filters, cursor: str | None, limit: int
    ) -> Page[StoredPlaybook]:
        listing = filters.listing(organization_id, cursor, limit)
        return (await page_of(self._playbooks, listing)).map(from_document)
