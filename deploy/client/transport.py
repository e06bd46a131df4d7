"""Requests that are sent until they are answered, within a patience: every one of them may safely be sent again."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from .errors import ApiError, Behind, NoOutcome, NotTheApi, Unavailable, error_of, refusal_of
from .tokens import Tokens, TokenSource

PREFIX = "/api/v1"
PATIENCE_SECONDS = 60.0
_MAX_PAUSE_SECONDS = 2.0
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it went: its route with ids left open, the answer's status and the time that it took."""

    route: str
    status: int
    seconds: float
    behind: bool
    """The answer says that it does not show all that was written (`X-Consistency: behind`)."""


class Transport:
    """One caller of one organization. `http` holds the gateway's address and may be shared.

    `token` is a token, or a function that returns one (or an awaitable of one) and is called for another before it
    expires. A request that was answered with 401 is sent once more with a new one.

    A command carries an `Idempotency-Key`, its own or the caller's, and is sent again under it where nobody answered,
    where the answer was 503 or 429, and where it is under way (409 with `Retry-After`). Where it was only accepted
    (202) its outcome is waited for. A read that is behind is asked again. After `patience_seconds` the last of these
    is raised, as Unavailable, NoOutcome or Behind.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        token: str | TokenSource,
        organization_id: str,
        watch: Callable[[Call], None] | None = None,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.organization_id = organization_id
        self._http = http
        self._tokens = Tokens(token)
        self._watch = watch
        self._patience_seconds = patience_seconds
        self._sleep = sleep

    async def read(self, route: str, *ids: str, **query: Any) -> Any:
        """GET; what is None in `query` is left out. Returns the answer's `data`."""
        return data_of(await self._answer(self._patience(), "GET", route, ids, {"params": _as_text(query)}))

    async def command(
        self,
        method: str,
        route: str,
        *ids: str,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        if_match: str | None = None,
        dry_run: bool = False,
        follow: bool = True,
    ) -> Any:
        """POST, PUT, PATCH or DELETE; the organization is added to `body`. Returns the `data` of its outcome.

        Without `follow` a 202 is the answer.
        """
        headers = {"Idempotency-Key": key or str(uuid4()), **({"If-Match": if_match} if if_match else {})}
        content: dict[str, Any] = {"headers": headers, "params": {"dry_run": "true"} if dry_run else {}}
        if body is not None:
            content["json"] = {"organization_id": self.organization_id, **body}
        patience = self._patience()
        answer = await self._answer(patience, method, route, ids, content)
        data = data_of(answer)
        return await self._outcome(patience, data) if answer.status_code == 202 and follow else data

    async def operation(self, operation_id: str) -> Any:
        """How a command came out, as far as that is known."""
        return await self.read("/operations/{}", operation_id)

    async def pages(self, route: str, *ids: str, items: str, **query: Any) -> AsyncIterator[Any]:
        """The items of all pages, one after the other; `items` is what the list is called in `data`."""
        cursor: str | None = None
        while True:
            page = await self.read(route, *ids, **{"limit": 100, **query, "cursor": cursor})
            for item in page[items]:
                yield item
            cursor = page["next"]
            if cursor is None:
                return

    def _patience(self) -> "_Patience":
        return _Patience(self._patience_seconds, self._sleep)

    async def _answer(
        self, patience: "_Patience", method: str, route: str, ids: Sequence[str], content: dict[str, Any]
    ) -> httpx.Response:
        while True:
            answer = await self._sent(method, route, ids, content)
            if answer is not None and not _worth_another(answer):
                return answer
            if not await patience.lasts(answer):
                raise _given_up(answer)

    async def _outcome(self, patience: "_Patience", accepted: dict[str, Any]) -> Any:
        while True:
            outcome = await self.operation(accepted["operation_id"])
            if outcome["status"] == "succeeded":
                return outcome["result"]
            if outcome["status"] == "failed":
                raise refusal_of(outcome["error"])
            if not await patience.lasts():
                raise NoOutcome(202, "ACCEPTED", "The command counts; its outcome is not known yet", accepted)

    async def _sent(
        self, method: str, route: str, ids: Sequence[str], content: dict[str, Any]
    ) -> httpx.Response | None:
        """Returns None where the connection broke or nothing came in httpx's time."""
        token = await self._tokens.current()
        answer = await self._sent_with(token, method, route, ids, content)
        if answer is None or answer.status_code != 401 or not self._tokens.can_renew:
            return answer
        return await self._sent_with(await self._tokens.after_refusal(token), method, route, ids, content)

    async def _sent_with(
        self, token: str, method: str, route: str, ids: Sequence[str], content: dict[str, Any]
    ) -> httpx.Response | None:
        path = PREFIX + route.format(*(quote(part, safe="") for part in ids))
        own = {"Authorization": f"Bearer {token}", "X-Organization-ID": self.organization_id}
        headers = {**own, **content.get("headers", {})}
        began = time.perf_counter()
        try:
            answer = await self._http.request(method, path, **{**content, "headers": headers})
        except httpx.TransportError:
            return None
        if self._watch:
            behind = answer.headers.get("X-Consistency") == "behind"
            seconds = time.perf_counter() - began
            self._watch(Call(f"{method} {route.replace('{}', '…')}", answer.status_code, seconds, behind))
        return answer


class _Patience:
    """Pauses between tries, growing unless the answer says how long, up to a time."""

    def __init__(self, seconds: float, sleep: Sleep) -> None:
        self._deadline = time.monotonic() + seconds
        self._sleep = sleep
        self._pause = 0.05

    async def lasts(self, answer: httpx.Response | None = None) -> bool:
        """After a pause; False at once where there is no time for another try."""
        asked = answer.headers.get("Retry-After", "") if answer is not None else ""
        pause = float(asked) if asked.isdecimal() else self._pause
        pause *= random.uniform(1.0, 1.25)  # those who were refused together do not come back together
        if time.monotonic() + pause > self._deadline:
            return False
        self._pause = min(2 * self._pause, _MAX_PAUSE_SECONDS)
        await self._sleep(pause)
        return True


def data_of(answer: httpx.Response) -> Any:
    """Raises ApiError for a refusal, and NotTheApi for what is no answer of it."""
    request_id = answer.headers.get("X-Request-ID", "")
    try:
        content = answer.json()
        if content["success"]:
            return content["data"]
        error = error_of(answer.status_code, content["error"], request_id)
    except (ValueError, KeyError, TypeError):
        raise NotTheApi(answer.status_code, "NOT_THE_API", answer.text[:200], {}, request_id) from None
    raise error


def _worth_another(answer: httpx.Response) -> bool:
    if answer.headers.get("X-Consistency") == "behind":
        return True
    return answer.status_code in (429, 502, 503, 504) or (answer.status_code == 409 and "Retry-After" in answer.headers)


def _given_up(answer: httpx.Response | None) -> ApiError:
    if answer is None:
        return Unavailable(0, "UNAVAILABLE", "Nobody answered", {})
    try:
        return Behind(answer.status_code, "BEHIND", "The answer does not show all that was written", data_of(answer))
    except ApiError as error:
        return error


def _as_text(query: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in query.items()
        if value is not None
    }
