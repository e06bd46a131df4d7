"""Values of encrypted fields go to the run engine to be encrypted, before a command is put on Kafka."""

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from contracts.encrypted import named_in
from services.gateway.admission import Admitted
from services.gateway.owners import Owner, segment
from shared.clear_places import nothing_secret

_REMEMBERED_RUNS = 100_000
Places = Mapping[str, Any]
"""Parts of a body, by path."""
NOWHERE: Places = {}


@dataclass(frozen=True, slots=True)
class SealedData:
    """Data that may be put on Kafka. With encrypted values in it, a request is told from others by `fingerprint`."""

    data: dict[str, Any]
    fingerprint: str | None = None


class Sealing:
    """Which fields of a run are encrypted is asked once: its revision never changes."""

    def __init__(self, run_engine: Owner) -> None:
        self._run_engine = run_engine
        self._fields: OrderedDict[tuple[str, str], frozenset[str]] = OrderedDict()

    def started(self, organization_id: str, run_id: str, fields: frozenset[str]) -> None:
        """The run is started from here, so that nobody need be asked about it."""
        self._fields[organization_id, run_id] = fields
        while len(self._fields) > _REMEMBERED_RUNS:
            self._fields.popitem(last=False)

    async def of_run(
        self, admitted: Admitted, run_id: str, data: dict[str, Any], where: str, beside: Places = NOWHERE
    ) -> SealedData:
        """`where`: path of the data in the body; `beside`: what of the body stays in clear.

        Raises Refused: NOT_FOUND for a run that nobody knows, whose data must not stand on Kafka in clear, and
        VALIDATION_ERROR for what belongs into the data.
        """
        if not data and not any(beside.values()):
            return SealedData(data)
        fields = await self.fields_of(admitted.identity.organization_id, run_id)
        nothing_secret(fields, beside)
        return await self.sealed(admitted, run_id, data, fields, where)

    async def fields_of(self, organization_id: str, run_id: str) -> frozenset[str]:
        """Raises Refused (NOT_FOUND) for a run that nobody knows."""
        fields = self._fields.get((organization_id, run_id))
        if fields is None:
            path = f"/internal/runs/{segment(run_id)}/encrypted-fields"
            found = (await self._run_engine.get(path, [("organization_id", organization_id)])).data()
            fields = frozenset(found["fields"])
            self.started(organization_id, run_id, fields)
        return fields

    async def sealed(
        self, admitted: Admitted, run_id: str, data: dict[str, Any], fields: Collection[str], where: str
    ) -> SealedData:
        """Raises Refused for a value that can't be one, Unavailable without keys."""
        if not fields or all(value is None for _, value in named_in(data, fields)):
            return SealedData(data)
        return await self._sealed(admitted, run_id, {"data": data, "fields": list(fields), "where": where})

    async def whole(self, admitted: Admitted, operation_id: str, data: dict[str, Any], where: str) -> SealedData:
        """Of what goes to many runs: every value, for who knows what is encrypted in some of them."""
        return await self._sealed(admitted, operation_id, {"data": data, "where": where}) if data else SealedData(data)

    async def _sealed(self, admitted: Admitted, owner_id: str, asked: dict[str, Any]) -> SealedData:
        body = orjson.dumps({**asked, "digest": hashlib.sha256(admitted.raw).hexdigest()})
        params = [("organization_id", admitted.identity.organization_id)]
        found = (await self._run_engine.post(f"/internal/runs/{segment(owner_id)}/sealed", params, body)).data()
        return SealedData(found["data"], found["fingerprint"])
