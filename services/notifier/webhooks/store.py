"""Subscriptions, each a document that keeps the commands that it has taken."""

import re
from collections.abc import AsyncIterator
from collections.abc import Collection as Many
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from contracts.replies import Reply
from services.notifier.domain.webhooks import ANSWERS_KEPT, ANSWERS_LEFT, Secret, Status, TakenCommand, Webhook
from shared import outcomes
from shared.mongo import Document, Mongo
from shared.outcomes import Outcome, Outcomes
from shared.pages import Listing, Order, Page, page_of

WEBHOOKS = "webhooks"
_KEPT_WHEN_DELETED = timedelta(days=30)
_NEWEST_FIRST = Order(("created_at",), DESCENDING)
_THERE = ("active", "paused", "disabled")
INDEXES = {
    WEBHOOKS: [
        IndexModel([("organization_id", ASCENDING), *_NEWEST_FIRST.sort()], name="list_newest_first"),
        IndexModel(
            [("organization_id", ASCENDING), ("status", ASCENDING), *_NEWEST_FIRST.sort()], name="list_by_status"
        ),
        IndexModel([("status", ASCENDING)], name="by_status"),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ],
    outcomes.COLLECTION: outcomes.INDEXES,
}


class WebhookStore:
    def __init__(self, mongo: Mongo) -> None:
        self._webhooks = mongo.collection(WEBHOOKS)
        self.outcomes = Outcomes(mongo)

    async def get(self, organization_id: str, webhook_id: str) -> Webhook | None:
        """Deleted ones too."""
        found = await self._webhooks.find_one({"organization_id": organization_id, "_id": webhook_id})
        return _webhook(found) if found else None

    async def count(self, organization_id: str) -> int:
        query = {"organization_id": organization_id, "status": {"$in": _THERE}}
        return int(await self._webhooks.count_documents(query))

    async def write(self, before: Webhook | None, after: Webhook) -> bool:
        """False where another has written it since `before` was read."""
        document = _document(await self._make_room(after))
        if before is None:
            return await self._add(document)
        if after.failing_since == before.failing_since:
            del document["failing_since"]  # the tries write it, without a guard
        guard = {"_id": document.pop("_id"), "written": before.written}
        return bool((await self._webhooks.update_one(guard, {"$set": document})).matched_count)

    async def _make_room(self, webhook: Webhook) -> Webhook:
        """Stores the answers that the document has no room for, and returns the webhook without them."""
        if len(webhook.taken) <= ANSWERS_KEPT:
            return webhook
        oldest, rest = webhook.taken[:-ANSWERS_LEFT], webhook.taken[-ANSWERS_LEFT:]
        await self.outcomes.save([_outcome(webhook.organization_id, taken) for taken in oldest])
        return webhook.model_copy(update={"taken": rest})

    async def page(self, organization_id: str, status: Status | None, cursor: str | None, limit: int) -> Page[Webhook]:
        query = {"organization_id": organization_id, "status": status or {"$in": _THERE}}
        return (await page_of(self._webhooks, Listing(query, _NEWEST_FIRST, repr(status), cursor, limit))).map(_webhook)

    async def organizations(self, webhook_ids: Many[str]) -> dict[str, str]:
        """Whose they are, by id."""
        found = self._webhooks.find({"_id": {"$in": sorted(webhook_ids)}}, {"organization_id": 1})
        return {webhook["_id"]: webhook["organization_id"] async for webhook in found}

    async def are_there_any(self) -> bool:
        return await self._webhooks.find_one({"status": {"$in": _THERE}}, {"_id": 1}) is not None

    async def of(self, organization_ids: Many[str]) -> list[Webhook]:
        """Paused and disabled ones too."""
        query = {"organization_id": {"$in": sorted(organization_ids)}, "status": {"$in": _THERE}}
        return [_webhook(found) async for found in self._webhooks.find(query)]

    async def with_other_secrets(self, beginning: str) -> AsyncIterator[Webhook]:
        """Those of which a secret is kept that does not begin so."""
        other = {"$not": re.compile(f"^{re.escape(beginning)}")}
        async for found in self._webhooks.find({"secrets": {"$elemMatch": {"value": other}}}):
            yield _webhook(found)

    async def secrets(self) -> AsyncIterator[list[Secret]]:
        """Those of each, as they are kept."""
        async for found in self._webhooks.find({}, {"secrets": 1}):
            yield [Secret.model_validate(secret) for secret in found["secrets"]]

    async def begins_to_fail(self, webhook_id: str, at: datetime) -> None:
        await self._webhooks.update_one({"_id": webhook_id, "failing_since": None}, {"$set": {"failing_since": at}})

    async def works(self, webhook_id: str) -> None:
        await self._webhooks.update_one({"_id": webhook_id}, {"$set": {"failing_since": None}})

    async def _add(self, document: Document) -> bool:
        try:
            await self._webhooks.insert_one(document)
        except DuplicateKeyError:
            return False
        return True


def _document(webhook: Webhook) -> Document:
    fields: dict[str, Any] = webhook.model_dump()
    expires_at = webhook.updated_at + _KEPT_WHEN_DELETED if webhook.status == "deleted" else None
    return {"_id": fields.pop("webhook_id"), **fields, "expires_at": expires_at}


def _outcome(organization_id: str, taken: TakenCommand) -> Outcome:
    return Outcome(taken.command_id, organization_id, Reply(result=taken.answer).model_dump_json(), taken.fingerprint)


def _webhook(document: Document) -> Webhook:
    # Documents from before their revisions were counted have the ETag that they had.
    return Webhook.model_validate({"revision": document["written"], **document, "webhook_id": document["_id"]})
