"""Which playbook a run is of: its first event says it, and the engine knows it of older runs."""

from collections import OrderedDict
from ssl import SSLContext
from urllib.parse import quote

import httpx

from contracts.events import RunCreated
from shared.errors import Unavailable
from shared.messages import Message
from shared.service_token import ServiceToken

_REMEMBERED = 20_000
_TIMEOUT_SECONDS = 5.0


class Playbooks:
    def __init__(self, run_engine_url: str, token: ServiceToken, tls: SSLContext | bool = True) -> None:
        self._url = run_engine_url.rstrip("/")
        self._known: OrderedDict[str, str] = OrderedDict()
        """By run id."""
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False, headers=token.headers, verify=tls)

    async def stop(self) -> None:
        await self._client.aclose()

    async def of(self, event: Message) -> str | None:
        """None where the engine does not know the run. Raises Unavailable where it does not answer."""
        run_id, payload = event.envelope.key, event.payload
        if isinstance(payload, RunCreated):
            return self._remember(run_id, payload.playbook.playbook_id)
        known = self._known.get(run_id)
        return known or await self._asked(event.envelope.organization_id, run_id)

    async def _asked(self, organization_id: str, run_id: str) -> str | None:
        path = f"/internal/runs/{quote(run_id, safe='')}/head"
        try:
            answer = await self._client.get(self._url + path, params={"organization_id": organization_id})
        except httpx.HTTPError as error:
            raise Unavailable(f"run_engine does not answer: {type(error).__name__}") from error
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise Unavailable(f"run_engine answered {answer.status_code}")
        return self._remember(run_id, answer.json()["data"]["playbook_id"])

    def _remember(self, run_id: str, playbook_id: str) -> str:
        self._known[run_id] = playbook_id
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return playbook_id
