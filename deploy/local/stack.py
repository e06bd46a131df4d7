"""The local stack as a whole: brought up, taken down, looked at."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.local import mongodb, plan, ports, supervisor
from deploy.local.errors import StackError
from deploy.local.folder import Folder
from deploy.local.health import is_ready
from deploy.local.kafka.cluster import KafkaCluster
from deploy.local.plan import GATEWAY_PORT, SERVICES, Addresses, Group, Plan, Program, Wishes
from deploy.local.supervisor import Control, Lifeline
from deploy.local.waiting import until

ALL_GROUPS: tuple[Group, ...] = ("infrastructure", "services")
RUNNING = {"RUNNING", "STARTING"}
SUPERVISOR_SECONDS = 60.0
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Started:
    """What `up` gives: the plan that runs, and the lifeline when this call started the stack."""

    plan: Plan
    lifeline: Lifeline | None


def up(folder: Folder, wishes: Wishes, groups: Sequence[Group] = ALL_GROUPS, report: Report = print) -> Started:
    """Starts what does not run yet and returns when all of it is ready; on any failure nothing that it started is left.

    The caller holds the returned lifeline: the stack ends with the caller until it lets go. Raises StackError.
    """
    with folder.locked():
        running = _running_plan(folder)
        if running is not None:
            current = _moved(folder, running, wishes)
            asyncio.run(_bring_up(folder, current, groups, report, wishes.accept_lost_log))
            return Started(current, None)
        return _start(folder, wishes, groups, report)


def down(folder: Folder) -> list[str]:
    """Stops everything of this folder, a crashed stack's leftovers too; gives the names of what ran."""
    if not folder.path.exists():
        return []
    with folder.locked():
        return supervisor.stop(folder)


@contextlib.contextmanager
def services_stopped(folder: Folder, *, start_again: bool = True) -> Iterator[Plan]:
    """Stops the services that run, not MongoDB and Kafka; starts them again at the end. Raises StackError."""
    with folder.locked():
        current = _running_plan(folder)
        if current is None:
            raise StackError("There is no local stack that runs: `make up` first.")
        control = Control(current)
        states = control.states()
        running = [name for name in current.names("services") if states[name]["statename"] in RUNNING]
        for name in running:
            control.stop(name)
        try:
            yield current
        finally:
            if start_again:
                asyncio.run(_bring_up(folder, current, ["services"] if running else [], lambda _: None, False))


async def status(folder: Folder) -> list[dict[str, Any]]:
    """For each program: name, state, pid, port, start (seconds since the epoch) and ready (None for infrastructure).

    Empty when nothing runs."""
    current = _running_plan(folder)
    if current is None:
        return []
    states = Control(current).states()
    return [await _row(current, name, states[name]) for name in current.programs]


async def _row(current: Plan, name: str, state: dict[str, Any]) -> dict[str, Any]:
    program = current.programs[name]
    ready = await is_ready(program.port) if program.group == "services" else None
    row = {"name": name, "state": state["statename"].lower(), "pid": state["pid"], "port": program.port}
    return row | {"start": state["start"], "ready": ready}


def _start(folder: Folder, wishes: Wishes, groups: Sequence[Group], report: Report) -> Started:
    leftovers = supervisor.stop(folder)
    if leftovers:
        report(f"Stopped what an earlier start had left behind: {', '.join(leftovers)}.")
    current = make_plan(folder, wishes, report)
    _require_free_ports(current, groups)
    lifeline = supervisor.start(folder, current)
    try:
        asyncio.run(_bring_up(folder, current, groups, report, wishes.accept_lost_log, lifeline))
    except BaseException:
        supervisor.stop(folder)
        raise
    return Started(current, lifeline)


def make_plan(folder: Folder, wishes: Wishes, report: Report) -> Plan:
    """Chooses ports and programs, and writes them to the folder."""
    own_mongodb = not (wishes.external or wishes.mongodb_uri)
    cluster = None if wishes.external else KafkaCluster(wishes.brokers, wishes.security)
    if own_mongodb:
        mongodb.check_runs()
    names = [
        *SERVICES,
        plan.GATEWAY_METRICS,
        *([mongodb.NAME] * own_mongodb),
        *(cluster.port_names if cluster else []),
        supervisor.NAME,
    ]
    chosen = _choose_ports(folder, wishes, names)
    programs: dict[str, Program] = {}
    if own_mongodb:
        programs[mongodb.NAME] = mongodb.program(folder, chosen[mongodb.NAME])
    if cluster:
        programs |= cluster.prepare(folder, chosen, report)
    current = _planned(folder, wishes, cluster, chosen, programs)
    plan.save(folder, current)
    return current


def _choose_ports(folder: Folder, wishes: Wishes, names: list[str]) -> dict[str, int]:
    given = {name: port for name in names if (port := ports.given_port(name)) is not None}
    earlier = plan.load(folder)
    preferred = {name: port for name, port in wishes.preferred_ports.items() if name not in given}
    liked = preferred | (earlier.ports if earlier else {})
    return ports.choose_ports(names, {"gateway": GATEWAY_PORT} | given | wishes.ports, liked)


def _planned(
    folder: Folder,
    wishes: Wishes,
    cluster: KafkaCluster | None,
    chosen: dict[str, int],
    infrastructure: dict[str, Program],
) -> Plan:
    addresses = wishes.external
    if cluster:
        mongodb_uri = wishes.mongodb_uri or mongodb.uri(chosen[mongodb.NAME])
        kafka = cluster.bootstrap_servers(chosen)
        addresses = Addresses(mongodb_uri=mongodb_uri, kafka_bootstrap_servers=kafka, brokers=cluster.brokers)
    assert addresses is not None
    return Plan(
        ports=chosen,
        addresses=addresses,
        environment=wishes.environment,
        own_environment=wishes.own_environment,
        programs=infrastructure | plan.services(folder, addresses, chosen, wishes.environment, wishes.own_environment),
        supervisor_port=chosen[supervisor.NAME],
        supervisor_password=plan.new_password(),
    )


def _moved(folder: Folder, current: Plan, wishes: Wishes) -> Plan:
    """The running stack's plan, with the gateway on another port if that is wished and it does not run yet."""
    given = ports.given_port("gateway")
    wished = wishes.ports.get("gateway", given)
    if not wished or wished == current.ports["gateway"]:
        return current
    if Control(current).states()["gateway"]["statename"] in RUNNING:
        raise StackError(f"The gateway already runs on port {current.ports['gateway']}; `make down` first to move it.")
    chosen = current.ports | {"gateway": wished}
    services = plan.services(folder, current.addresses, chosen, current.environment, current.own_environment)
    moved = current.model_copy(update={"ports": chosen, "programs": current.programs | services})
    plan.save(folder, moved)
    return moved


def _running_plan(folder: Folder) -> Plan | None:
    current = plan.load(folder)
    if current and supervisor.is_running(folder) and Control(current).answers():
        return current
    return None


def _require_free_ports(current: Plan, groups: Sequence[Group]) -> None:
    for name, program in current.programs.items():
        if program.group in groups:
            ports.require_free(name, program.port)


async def _bring_up(
    folder: Folder,
    current: Plan,
    groups: Sequence[Group],
    report: Report,
    accept_lost_log: bool,
    lifeline: Lifeline | None = None,
) -> None:
    control = Control(current)
    if lifeline:
        await _until_it_answers(folder, control, lifeline)
    for group in groups:
        unready = await _start_missing(control, current, group)
        if unready and group == "services":
            await _until_services_ready(folder, control, current, unready, report)
        elif unready:
            await _until_infrastructure_ready(folder, control, current, unready, report, accept_lost_log)


async def _start_missing(control: Control, current: Plan, group: Group) -> list[str]:
    """Starts what does not run, and gives the names of all that is not ready yet."""
    names = current.names(group)
    states = {name: state["statename"] for name, state in control.states().items()}
    missing = [name for name in names if states[name] not in RUNNING]
    for name in missing:
        ports.require_free(name, current.programs[name].port)
    control.start(missing)
    if group == "infrastructure":
        return [name for name in names if states[name] != "RUNNING" or not ports.is_open(current.programs[name].port)]
    return [name for name in names if name in missing or not await is_ready(current.programs[name].port)]


async def _until_services_ready(
    folder: Folder, control: Control, current: Plan, names: list[str], report: Report
) -> None:
    from deploy.local import readiness  # the drivers take a second to import, which most calls need not

    await readiness.unless_ended(readiness.until_services(current, names, report), folder, control, names)


async def _until_infrastructure_ready(
    folder: Folder, control: Control, current: Plan, names: list[str], report: Report, accept_lost_log: bool
) -> None:
    from deploy.local import readiness

    work = readiness.until_infrastructure(current, report, accept_lost_log)
    await readiness.unless_ended(work, folder, control, names)


async def _until_it_answers(folder: Folder, control: Control, lifeline: Lifeline) -> None:
    async def answers() -> bool:
        if lifeline.process.poll() is not None:
            raise StackError(f"supervisord did not start: {supervisor.last_line(folder, supervisor.NAME)}")
        return control.answers()

    try:
        await asyncio.wait_for(until(answers), SUPERVISOR_SECONDS)
    except TimeoutError:
        raise StackError(
            f"supervisord did not answer within {SUPERVISOR_SECONDS:.0f} s; {folder.logs} may say why."
        ) from None
