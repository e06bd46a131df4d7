"""Which fields of a run are encrypted: what its revision says, which never changes."""

from collections import OrderedDict
from collections.abc import Collection

from services.run_engine.sealing.store import Owner
from services.run_engine.store import RunStore
from shared.mongo import Mongo

_REMEMBERED = 100_000


class EncryptedFields:
    def __init__(self, mongo: Mongo, store: RunStore) -> None:
        self._runs = mongo.collection("runs")
        self._store = store
        self._known: OrderedDict[Owner, frozenset[str]] = OrderedDict()

    async def of_runs(self, owners: Collection[Owner]) -> dict[Owner, frozenset[str]]:
        """Names of fields, by run; what is not there has none."""
        await self._look_up([owner for owner in owners if owner not in self._known])
        found = {owner: self._known[owner] for owner in owners if owner in self._known}
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def _look_up(self, owners: Collection[Owner]) -> None:
        if not owners:
            return
        fields = {"organization_id": 1, "state.playbook.playbook_id": 1, "state.playbook.revision": 1}
        runs = await self._runs.find({"_id": {"$in": [owner.run_id for owner in owners]}}, fields).to_list(None)
        pinned = {run["_id"]: (r := run["state"]["playbook"]) and (r["playbook_id"], r["revision"]) for run in runs}
        definitions = await self._store.definitions(set(pinned.values()))
        for run in runs:
            owner = Owner(run["organization_id"], run["_id"])
            self._known[owner] = definitions[pinned[run["_id"]]].encrypted_fields
