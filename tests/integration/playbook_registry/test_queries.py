"""Reading playbooks: one's own only, whole, by pages."""

from shared.ids import new_id
from tests.integration.playbook_registry.conftest import Bench, draft


async def _create(bench: Bench, organization_id: str, number: int = 1) -> str:
    playbook = draft(smart_code=f"HERA.TEST.PLAYBOOK.N{number}.v1")
    reply = await bench.ask(bench.command(playbook, organization_id))
    assert reply.result is not None
    playbook_id: str = reply.result["playbook_id"]
    return playbook_id


async def test_gives_a_revision_its_head_and_the_playbook(bench: Bench) -> None:
    organization_id = new_id("org")
    playbook_id = await _create(bench, organization_id)
    _, revision = await bench.get(f"/{playbook_id}/revisions/1", organization_id=organization_id)
    _, head = await bench.get(f"/{playbook_id}/head", organization_id=organization_id)
    _, playbook = await bench.get(f"/{playbook_id}", organization_id=organization_id)
    assert head == {"revision": 1, "status": "active"}
    assert revision.items() <= playbook.items()


async def test_another_tenants_playbook_is_not_found(bench: Bench) -> None:
    playbook_id = await _create(bench, new_id("org"))
    for path in ("", "/head", "/revisions/1"):
        status, error = await bench.get(f"/{playbook_id}{path}", organization_id="org_other")
        assert (status, error["message"]) == (404, f"Playbook {playbook_id} was not found")
        assert error["details"] == {"field": "playbook_id", "value": playbook_id}


async def test_names_the_ids_that_are_no_playbooks_of_the_organization(bench: Bench) -> None:
    organization_id = new_id("org")
    ours, theirs = await _create(bench, organization_id), await _create(bench, new_id("org"))
    asked = {"playbook_ids": ["pb_none", ours, theirs]}
    _, found = await bench.post("/unknown", asked, organization_id=organization_id)
    assert found == {"unknown": ["pb_none", theirs]}


async def test_lists_newest_first_by_pages(bench: Bench) -> None:
    organization_id = new_id("org")
    created = [await _create(bench, organization_id, number) for number in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        _, page = await bench.get("", organization_id=organization_id, limit=2, **cursor)
        assert page["total"] == 5
        seen += [playbook["playbook_id"] for playbook in page["playbooks"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == created[::-1]


async def test_filters_by_status_and_refuses_an_unknown_one(bench: Bench) -> None:
    organization_id = new_id("org")
    await _create(bench, organization_id)
    _, active = await bench.get("", organization_id=organization_id, status="active")
    _, archived = await bench.get("", organization_id=organization_id, status="archived")
    status, error = await bench.get("", organization_id=organization_id, status="lost")
    assert (active["total"], archived["total"], status, error["code"]) == (1, 0, 400, "VALIDATION_ERROR")
