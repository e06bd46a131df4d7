"""Keys from a real HTTP server: rotation, outages, and how often the address is asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from contracts.rejections import Code
from deploy.local.waiting import until
from shared.auth import TokenVerifier
from shared.errors import Refused, Unavailable
from shared.published_keys import PublishedKeys
from tests.issuer import Issuer, new_key, published

FIRST, SECOND = new_key("ES256", "first"), new_key("EdDSA", "second")
SHORT, LONG = 0.01, 3600.0


class Desk:
    """Where tokens are shown: as the gateway does it, with the middleware's look before."""

    def __init__(self, url: str, kept_seconds: float = LONG, pause_seconds: float = SHORT) -> None:
        self.keys = PublishedKeys(url, SHORT, kept_seconds, pause_seconds)
        self.verifier = TokenVerifier(None, None, None, published=self.keys)

    async def sees(self, token: str) -> str:
        """The caller's id. Raises Refused or Unavailable."""
        if self.verifier.lacks_key(f"Bearer {token}"):
            await self.keys.refresh()
        return self.verifier.verify(f"Bearer {token}").caller.id

    async def soon(self, tells: Callable[[str], Awaitable[bool]], token: str) -> None:
        """While the keys are kept fresh, as they are in the background, it comes to that."""

        async def tells_now() -> bool:
            await self.keys.keep_fresh()
            return await tells(token)

        await asyncio.wait_for(until(tells_now), 10)

    async def lets_in(self, token: str) -> bool:
        with contextlib.suppress(Refused, Unavailable):
            return bool(await self.sees(token))
        return False

    async def turns_away(self, token: str) -> bool:
        """Tells whoever brings it that the token is to blame."""
        try:
            await self.sees(token)
        except Refused as refused:
            return refused.rejection.code == Code.UNAUTHORIZED
        except Unavailable:
            return False
        return False

    async def cannot_tell(self, token: str) -> bool:
        try:
            await self.sees(token)
        except Unavailable as unavailable:
            return unavailable.retry_after_seconds >= 1
        except Refused:
            return False
        return False


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with published(FIRST) as issuer:
        yield issuer


async def test_fetches_them_when_the_first_token_comes_and_not_again(issuer: Issuer) -> None:
    desk = Desk(issuer.url)
    for n in range(20):
        assert await desk.sees(FIRST.sign(n=n)) == "user_1"
    assert issuer.asked == 1


async def test_a_new_key_is_found_and_one_that_was_withdrawn_is_of_no_use_any_more(issuer: Issuer) -> None:
    desk, old, new = Desk(issuer.url), FIRST.sign(), SECOND.sign()
    assert await desk.lets_in(old)
    assert await desk.turns_away(new)
    issuer.keys = [FIRST, SECOND]
    await desk.soon(desk.lets_in, new)
    assert await desk.lets_in(old)
    issuer.keys = [SECOND]
    await desk.soon(desk.turns_away, old)
    assert await desk.lets_in(new)


async def test_a_key_id_that_stands_for_another_key_now_is_verified_anew(issuer: Issuer) -> None:
    desk, old = Desk(issuer.url), FIRST.sign()
    assert await desk.lets_in(old)
    issuer.keys = [new_key("ES256", FIRST.id)]
    await desk.soon(desk.turns_away, old)


async def test_a_background_round_finds_new_keys_before_any_token_does(issuer: Issuer) -> None:
    keys = PublishedKeys(issuer.url, refresh_seconds=SHORT, pause_seconds=SHORT)
    await keys.keep_fresh()
    assert keys.lacks("second", "EdDSA")
    issuer.keys.append(SECOND)

    async def a_round_finds_it() -> bool:
        await keys.keep_fresh()
        return not keys.lacks("second", "EdDSA")

    await asyncio.wait_for(until(a_round_finds_it), 10)


async def test_a_fetch_that_finds_the_same_keys_changes_nothing(issuer: Issuer) -> None:
    keys = PublishedKeys(issuer.url, refresh_seconds=SHORT, pause_seconds=SHORT)
    await keys.refresh()
    known = keys.ring()

    async def was_fetched_again() -> bool:
        await keys.keep_fresh()
        return issuer.asked > 1

    await asyncio.wait_for(until(was_fetched_again), 10)
    assert known is not None
    assert keys.ring() is known


async def test_a_flood_of_made_up_key_ids_is_one_fetch(issuer: Issuer) -> None:
    desk = Desk(issuer.url, pause_seconds=LONG)
    made_up = [FIRST.sign(key_id=f"made up {n}") for n in range(300)]
    assert all(await asyncio.gather(*(desk.turns_away(token) for token in made_up)))
    assert issuer.asked == 1
    assert await desk.lets_in(FIRST.sign())


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("<html>", 200),
        ("[]", 200),
        ('{"keys": 1}', 200),
        ('{"keys": []}', 500),
        ("", 302),
        ('{"keys": []}' + " " * 300_000, 200),
    ],
)
async def test_known_keys_are_used_on_while_there_are_no_others(issuer: Issuer, text: str, status: int) -> None:
    desk = Desk(issuer.url)
    assert await desk.lets_in(FIRST.sign())
    issuer.says(text, status)
    issuer.keys = [SECOND]  # which are still to be had, but not at that address
    await desk.soon(desk.cannot_tell, SECOND.sign())
    assert await desk.lets_in(FIRST.sign(n=1))


async def test_known_keys_are_used_on_for_their_time_and_no_longer(issuer: Issuer) -> None:
    desk, token = Desk(issuer.url, kept_seconds=2.0), FIRST.sign()
    assert await desk.lets_in(token)
    issuer.says("", 500)
    await desk.soon(desk.cannot_tell, SECOND.sign())
    assert await desk.lets_in(token)
    await desk.soon(desk.cannot_tell, token)
    issuer.recovers()
    await desk.soon(desk.lets_in, token)


async def test_without_any_key_nobody_is_blamed_and_the_wait_is_told() -> None:
    desk = Desk("http://127.0.0.1:1/keys", pause_seconds=60)
    assert await desk.cannot_tell(FIRST.sign())
    with pytest.raises(Unavailable) as caught:
        await desk.sees(FIRST.sign())
    assert 50 <= caught.value.retry_after_seconds <= 60


async def test_an_issuer_that_withdraws_all_keys_is_taken_at_its_word(issuer: Issuer) -> None:
    desk, token = Desk(issuer.url), FIRST.sign()
    assert await desk.lets_in(token)
    issuer.keys = []
    await desk.soon(desk.cannot_tell, token)
