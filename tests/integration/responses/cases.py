"""A case for each kind of command: one that is accepted, one that is refused, and what would turn that around.

A case begins in an organization of its own. After its `calls` were decided in their order, and `turn` as well, the
refused one would be accepted and, where there is such a thing, the accepted one refused, if they were decided anew.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.integration.responses.world import Call, Organization

CLERKS = {"assignee_roles": ["clerk"]}


@dataclass(frozen=True)
class Case:
    owner: str
    calls: Mapping[str, Call]
    """`accepted` and `refused`, in the order in which they are sent."""
    seen: str
    """A path that shows what they did."""
    further: Callable[[int], Call]
    """Commands to the same thing, as many as are wanted."""
    turn: Sequence[Call] = field(default_factory=tuple)


Prepare = Callable[[Organization], Awaitable[Case]]


async def start_run(org: Organization) -> Case:
    allowed, step = _automatic_approvals(200_000), {"step_type": "automated"}
    await org.done(allowed)
    automatic = await org.done(playbook(step | {"automation_config": {"auto_approve_limit": 150_000}}))
    manual = await org.done(playbook())
    await org.done(_automatic_approvals(100_000))
    before = await org.done(_start(manual))
    return Case(
        "run_engine",
        {"refused": _start(automatic), "accepted": _start(manual)},
        "/playbook-runs",
        _updates(before),
        (allowed, Call("POST", f"/playbooks/{manual['playbook_id']}/archive", {})),
    )


async def complete_step(org: Organization) -> Case:
    run = await _started(org, {}, {})
    calls = {"refused": _to_step(run, 2, "complete"), "accepted": _to_step(run, 1, "complete")}
    return Case("run_engine", calls, _path(run), _updates(run))


async def claim_step(org: Organization) -> Case:
    run = await _started(org, {}, {**CLERKS, "sequence": 2}, {**CLERKS, "sequence": 2})
    await org.done(_to_step(run, 1, "complete"))
    await org.done(_to_step(run, 2, "claim", "bob"))
    calls = {"refused": _to_step(run, 2, "claim"), "accepted": _to_step(run, 3, "claim")}
    return Case("run_engine", calls, _path(run), _updates(run), (_to_step(run, 2, "release", "bob"),))


async def release_step(org: Organization) -> Case:
    run = await _started(org, {}, CLERKS)
    await org.done(_to_step(run, 1, "complete"))
    await org.done(_to_step(run, 2, "claim", "bob"))
    calls = {"refused": _to_step(run, 2, "release"), "accepted": _to_step(run, 2, "release", "bob")}
    return Case("run_engine", calls, _path(run), _updates(run), (_to_step(run, 2, "claim"),))


async def update_run(org: Organization) -> Case:
    run = await _started(org, {})
    etag = '"3"'  # after the run was created and its step started, the accepted update is the third event
    refused = Call("PATCH", _path(run), {"run": {"data": {"refused": True}}}, if_match=etag)
    accepted = Call("PATCH", _path(run), {"run": {"data": {"accepted": True}}}, if_match='"2"')
    return Case("run_engine", {"refused": refused, "accepted": accepted}, _path(run), _updates(run))


async def erase_run(org: Organization) -> Case:
    """What a run has encrypted after the erasure stays. Nothing makes an unknown run known."""
    field = {"name": "ssn", "type": "text", "encrypted": True}
    made = await org.done(playbook({"step_type": "form", "metadata": {"form_fields": [field]}}))
    about = {"playbook_id": made["playbook_id"], "initial_data": {"ssn": "078-05-1120"}}
    run = await org.done(Call("POST", "/playbook-runs", {"run": about}))
    erase = {
        "refused": Call("DELETE", "/playbook-runs/run_unknown/encrypted-data"),
        "accepted": Call("DELETE", f"{_path(run)}/encrypted-data"),
    }
    later = Call("PATCH", _path(run), {"run": {"data": {"ssn": "219-09-9999"}}})
    return Case("run_engine", erase, _path(run), _updates(run), (later,))


async def signal_run(org: Organization) -> Case:
    run = await _started(org, {})
    signals = {name: Call("POST", f"{_path(run)}/signal", {"signal": {"type": name}}) for name in ("resume", "pause")}
    calls = {"refused": signals["resume"], "accepted": signals["pause"]}
    return Case("run_engine", calls, _path(run), _updates(run))


async def create_playbook(org: Organization) -> Case:
    code = smart_code()
    holder = await org.done(playbook(code=code))
    refused, accepted = playbook(code=code, name="Refused"), playbook(name="Accepted")
    return Case(
        "playbook_registry",
        {"refused": refused, "accepted": accepted},
        "/playbooks",
        _revisions(holder),
        (_revision(holder),),
    )


async def revise_playbook(org: Organization) -> Case:
    made = await org.done(playbook())
    calls = {"refused": _revision(made, '"2"'), "accepted": _revision(made, '"1"')}
    return Case("playbook_registry", calls, f"/playbooks/{made['playbook_id']}", _revisions(made))


async def archive_playbook(org: Organization) -> Case:
    made = await org.done(playbook())
    path = f"/playbooks/{made['playbook_id']}"
    calls = {
        "refused": Call("POST", f"{path}/archive", {}, if_match='"2"'),
        "accepted": Call("POST", f"{path}/archive", {}, if_match='"1"'),
    }
    return Case("playbook_registry", calls, path, _revisions(made), (Call("POST", f"{path}/restore", {}),))


async def delete_playbook(org: Organization) -> Case:
    kept, deleted, other = [await org.done(playbook()) for _ in range(3)]
    calls = {
        "refused": Call("DELETE", f"/playbooks/{kept['playbook_id']}", if_match='"2"'),
        "accepted": Call("DELETE", f"/playbooks/{deleted['playbook_id']}"),
    }
    return Case("playbook_registry", calls, "/playbooks", _revisions(other), (_revision(kept),))


async def put_policy(org: Organization) -> Case:
    calls = {"refused": _automatic_approvals(5, '"1"'), "accepted": _automatic_approvals(7, '"0"')}
    path = "/policies/financial_controls"
    return Case("playbook_registry", calls, path, lambda n: _automatic_approvals(100 + n))


async def put_calendar(org: Organization) -> Case:
    await org.done(_calendar("office"))
    calls = {"refused": _calendar("office", '"2"'), "accepted": _calendar("office", '"1"')}
    return Case("playbook_registry", calls, "/calendars/office", lambda _: _calendar("office"))


async def delete_calendar(org: Organization) -> Case:
    for name in ("kept", "deleted"):
        await org.done(_calendar(name))
    calls = {
        "refused": Call("DELETE", "/calendars/kept", if_match='"2"'),
        "accepted": Call("DELETE", "/calendars/deleted"),
    }
    return Case("playbook_registry", calls, "/calendars", lambda _: _calendar("other"), (_calendar("kept"),))


async def create_delegation(org: Organization) -> Case:
    """Who may lend what stays so: nothing turns it around."""
    calls = {"refused": _delegation("eve", delegator="ann"), "accepted": _delegation("ann")}
    return Case("playbook_registry", calls, "/delegations", lambda _: _calendar("other"))


async def revoke_delegation(org: Organization) -> Case:
    path = f"/delegations/{(await org.done(_delegation('ann')))['delegation_id']}"
    calls = {"refused": Call("DELETE", path, who="eve"), "accepted": Call("DELETE", path)}
    return Case("playbook_registry", calls, path, lambda _: _calendar("other"))


async def create_webhook(org: Organization) -> Case:
    """An organization may have two. Deleting the first one makes room again."""
    path = f"/webhooks/{(await org.done(_webhook()))['webhook_id']}"
    calls, change = {"accepted": _webhook(), "refused": _webhook()}, {"webhook": {"description": "again"}}
    return Case("notifier", calls, "/webhooks", lambda _: Call("PATCH", path, change), (Call("DELETE", path),))


async def change_webhook(org: Organization) -> Case:
    path = f"/webhooks/{(await org.done(_webhook()))['webhook_id']}"
    calls = {
        "refused": Call("PATCH", path, {"webhook": {"description": "refused"}}, if_match='"2"'),
        "accepted": Call("PATCH", path, {"webhook": {"description": "accepted"}}, if_match='"1"'),
    }
    return Case("notifier", calls, path, lambda n: Call("PATCH", path, {"webhook": {"description": f"{n}"}}))


async def replay_deliveries(org: Organization) -> Case:
    paused, active = [f"/webhooks/{(await org.done(_webhook()))['webhook_id']}" for _ in range(2)]
    await org.done(Call("PATCH", paused, {"webhook": {"status": "paused"}}))
    since = {"since": "2026-01-01T00:00:00Z"}
    calls = {
        "refused": Call("POST", f"{paused}/replay-failed", since),
        "accepted": Call("POST", f"{active}/replay-failed", since),
    }
    enable = Call("POST", f"{paused}/enable", {})
    return Case("notifier", calls, paused, lambda _: Call("POST", f"{active}/test", {}), (enable,))


async def test_webhook(org: Organization) -> Case:
    path = f"/webhooks/{(await org.done(_webhook()))['webhook_id']}"
    calls = {"refused": Call("POST", "/webhooks/wh_unknown/test", {}), "accepted": Call("POST", f"{path}/test", {})}
    return Case("notifier", calls, f"{path}/deliveries", lambda _: Call("POST", f"{path}/test", {}))


async def delete_webhook(org: Organization) -> Case:
    kept, deleted = [f"/webhooks/{(await org.done(_webhook()))['webhook_id']}" for _ in range(2)]
    calls = {"refused": Call("DELETE", "/webhooks/wh_unknown"), "accepted": Call("DELETE", deleted)}
    return Case("notifier", calls, "/webhooks", lambda n: Call("PATCH", kept, {"webhook": {"description": f"{n}"}}))


CASES: tuple[Prepare, ...] = (
    start_run, complete_step, claim_step, release_step, update_run, erase_run, signal_run, create_playbook,
    revise_playbook,
    archive_playbook, delete_playbook, put_policy, put_calendar, delete_calendar, create_delegation, revoke_delegation,
    create_webhook, change_webhook, test_webhook, replay_deliveries,
    delete_webhook,
)  # fmt: skip


def smart_code() -> str:
    return f"HERA.TEST.PLAYBOOK.RESPONSES.N{uuid.uuid4().hex[:12].upper()}.v1"


def playbook(*steps: dict[str, Any], code: str | None = None, name: str = "Responses") -> Call:
    numbered = [{"name": f"S{n}", "sequence": n, **step} for n, step in enumerate(steps or ({},), 1)]
    return Call(
        "POST", "/playbooks", {"playbook": {"name": name, "smart_code": code or smart_code(), "steps": numbered}}
    )


async def _started(org: Organization, *steps: dict[str, Any]) -> dict[str, Any]:
    run: dict[str, Any] = await org.done(_start(await org.done(playbook(*steps))))
    return run


def _start(made: Mapping[str, Any]) -> Call:
    return Call("POST", "/playbook-runs", {"run": {"playbook_id": made["playbook_id"]}})


def _path(run: Mapping[str, Any]) -> str:
    return f"/playbook-runs/{run['run_id']}"


def _to_step(run: Mapping[str, Any], number: int, action: str, who: str = "ann") -> Call:
    body: dict[str, Any] = {"completion": {}} if action == "complete" else {}
    return Call("POST", f"{_path(run)}/steps/step_{number:03}/{action}", body, who)


def _updates(run: Mapping[str, Any]) -> Callable[[int], Call]:
    return lambda number: Call("PATCH", _path(run), {"run": {"data": {"further": number}}})


def _revision(made: Mapping[str, Any], if_match: str | None = None) -> Call:
    draft = {"name": "Revised", "smart_code": smart_code(), "steps": [{"name": "S1", "sequence": 1}]}
    return Call("PUT", f"/playbooks/{made['playbook_id']}", {"playbook": draft}, if_match=if_match)


def _revisions(made: Mapping[str, Any]) -> Callable[[int], Call]:
    return lambda _: _revision(made)


def _automatic_approvals(limit: int, if_match: str | None = None) -> Call:
    document = {"document": {"auto_approve_limit": limit}}
    return Call("PUT", "/policies/financial_controls", document, if_match=if_match)


def _calendar(name: str, if_match: str | None = None) -> Call:
    document = {"time_zone": "Europe/Berlin", "hours": {"monday": ["08:00-12:00"]}}
    return Call("PUT", f"/calendars/{name}", {"document": document}, if_match=if_match)


def _delegation(who: str, **more: str) -> Call:
    about = {"substitute": "bob", "starts_at": "2090-07-01T00:00:00Z", "ends_at": "2090-07-15T00:00:00Z", **more}
    return Call("POST", "/delegations", {"delegation": about}, who)


def _webhook() -> Call:
    return Call("POST", "/webhooks", {"webhook": {"url": "https://a.example", "event_types": ["*"]}})
