"""Calendars that go on: public holidays are worked out for the years to come, and nobody has to see to it."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from contracts.calendars import KIND
from contracts.organization_documents import DeleteOrganizationDocument, PutOrganizationDocument, local_key
from contracts.replies import Reply
from contracts.topics import POLICY_EVENTS, REGISTRY_COMMANDS
from services.playbook_registry.organization import changes
from services.playbook_registry.organization.renewal import COMMENT, HolidayRenewal
from services.playbook_registry.organization.store import DocumentStore
from shared import clock
from shared.ids import new_id
from shared.messages import command_message
from tests.integration.playbook_registry.conftest import CALLER, Bench
from tests.integration.running import eventually, tap

GERMAN = {
    "time_zone": "Europe/Berlin", "hours": {"monday": ["09:00-17:00"]}, "holidays": {"country": "DE"},
}  # fmt: skip


async def send(bench: Bench, command: PutOrganizationDocument | DeleteOrganizationDocument) -> Reply:
    command_id = new_id("cmd")
    message = command_message(
        REGISTRY_COMMANDS.name, local_key(KIND, command.name), command, message_id=command_id,
        organization_id=command.organization_id, correlation_id="req_1", time=clock.now(),
        deadline=clock.now() + timedelta(seconds=60), reply_to=bench.requester.address,
    )  # fmt: skip
    reply = await bench.requester.ask(command_id, message, timeout=30)
    assert reply is not None and reply.rejection is None, reply
    return reply


async def put(bench: Bench, organization_id: str, name: str, document: dict[str, Any]) -> None:
    await send(
        bench,
        PutOrganizationDocument(caller=CALLER, organization_id=organization_id, kind=KIND, name=name, content=document),
    )


@pytest.fixture
def renewal(bench: Bench) -> HolidayRenewal:
    return HolidayRenewal(DocumentStore(bench.service.mongo), bench.publisher)


@pytest.fixture
def years_on(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    today = clock.now

    def set_clock(years: int) -> None:
        later = today() + timedelta(days=366 * years)
        monkeypatch.setattr(clock, "now", lambda: later)

    return set_clock


async def current(bench: Bench, organization_id: str, name: str, revision: int) -> Any:
    store = DocumentStore(bench.service.mongo)

    async def there() -> Any:
        found = await store.current(organization_id, KIND, name)
        return found if found is not None and found.revision >= revision else None

    return await eventually(there)


async def test_public_holidays_are_renewed_each_year_and_the_engine_hears_of_it(
    bench: Bench, renewal: HolidayRenewal, years_on: Callable[[int], None]
) -> None:
    ours, this_year = new_id("org"), clock.now().year
    await put(bench, ours, "berlin", GERMAN)
    await put(bench, ours, "own", GERMAN | {"holidays": {"dates": [{"date": "2030-12-24", "name": "Closed"}]}})
    await renewal.renew()
    await put(bench, ours, "gone", GERMAN)
    await send(bench, DeleteOrganizationDocument(caller=CALLER, organization_id=ours, kind=KIND, name="gone"))

    years_on(12)
    async with tap(bench.settings.kafka_bootstrap_servers, POLICY_EVENTS) as told:
        await renewal.renew()
        await renewal.renew()
        renewed = await current(bench, ours, "berlin", 2)
        events = await told.find(lambda d: d["organization_id"] == ours)
        # Who takes a command again tells of it again, under the same id: whoever took it first may have died before.
        (event,) = {event["id"]: event for event in events}.values()
    assert (renewed.by, renewed.comment, renewed.revision) == ("system", COMMENT, 2)
    assert date.fromisoformat(renewed.content["public_holidays_until"]).year > this_year + 20
    years = {date.fromisoformat(day["date"]).year for day in renewed.content["public_holidays"]}
    assert {this_year + 12, this_year + 20} <= years
    assert (event["data"]["name"], event["data"]["revision"]) == ("berlin", 2)

    await renewal.renew()
    store = DocumentStore(bench.service.mongo)
    revisions = {d.name: d.revision for d in await store.all_current([ours], KIND)}
    assert revisions == {"berlin": 2, "own": 1}


async def test_what_can_not_be_renewed_is_told(
    bench: Bench, renewal: HolidayRenewal, years_on: Callable[[int], None], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ours = new_id("org")
    await put(bench, ours, "berlin", GERMAN)
    years_on(1)
    monkeypatch.setattr(changes, "refusal", lambda *_: changes.unknown("calendar", "berlin"))
    await renewal.renew()
    assert "calendar_not_renewed" in capsys.readouterr().out


async def test_a_manual_change_goes_before_a_renewal_that_was_under_way(
    bench: Bench, years_on: Callable[[int], None]
) -> None:
    ours, sent = new_id("org"), []

    class Held:
        async def publish(self, messages: Any) -> None:
            sent.extend(messages)

    await put(bench, ours, "berlin", GERMAN)
    years_on(1)
    await HolidayRenewal(DocumentStore(bench.service.mongo), Held()).renew()  # type: ignore[arg-type]
    await put(bench, ours, "berlin", GERMAN | {"title": "Head office"})
    await bench.publisher.publish([m for m in sent if ours in m.value.decode()])
    await put(bench, ours, "other", GERMAN)  # behind it on the same topic
    await eventually(lambda: DocumentStore(bench.service.mongo).current(ours, KIND, "other"))
    found = await current(bench, ours, "berlin", 2)
    assert (found.revision, found.content["title"]) == (2, "Head office")
    assert isinstance(found.at, datetime)
