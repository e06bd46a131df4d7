"""`python -m deploy.demo`: the reference's five playbooks at work; ends non-zero if anything is not as it must be."""

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext

import httpx
from aiokafka.errors import KafkaError
from rich.console import Console

from deploy.client import ApiError, Call
from deploy.demo import checks, shown, target
from deploy.demo.acme import onboard
from deploy.demo.chain import EventLog
from deploy.demo.crowd import drive_all, plots
from deploy.demo.errors import DemoError
from deploy.demo.house import House
from deploy.demo.machines import answer
from deploy.demo.outside import Outside
from deploy.demo.parts import SALES_MANAGER, SALES_REP
from deploy.demo.scripts import SCRIPTS
from deploy.demo.target import Target
from deploy.local.errors import StackError
from shared.kafka_settings import KafkaSettingsError

MAIN = "customer_onboarding"
PIPED_WIDTH = 130
CONSOLE = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def main(arguments: list[str] | None = None) -> int:
    began = played = time.monotonic()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is still starting is no news
    failures: dict[str, None] = {}
    try:
        named = target.given(sys.argv[1:] if arguments is None else arguments)
        with nullcontext(named) if named else target.local(lambda line: CONSOLE.print(line, style="dim")) as driven:
            played = time.monotonic()
            asyncio.run(play(driven))
            played = time.monotonic() - played
    except* (StackError, DemoError, ApiError, httpx.HTTPError, KafkaError, KafkaSettingsError) as errors:
        failures = dict.fromkeys(sentence(error) for error in leaves(errors))
    for failure in failures:
        print(f"The demo failed: {failure}", file=sys.stderr)
    if failures:
        return 1
    total = time.monotonic() - began
    print(f"All of it is as it must be. The demo took {played:.1f} s, {total:.1f} s with the stack's start and stop.")
    return 0


def leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


def sentence(error: BaseException) -> str:
    if isinstance(error, httpx.TransportError):
        return f"{error.request.url.copy_with(path=None, query=None)} does not answer: {error or type(error).__name__}"
    return str(error) or repr(error)


async def play(driven: Target) -> None:
    """All acts. Raises DemoError, ApiError, httpx.HTTPError or KafkaError where one of them fails."""
    calls: list[Call] = []
    servers = driven.bootstrap_servers
    limits = httpx.Limits(max_connections=64)
    async with (
        httpx.AsyncClient(base_url=driven.gateway_url, timeout=30, limits=limits, trust_env=False) as http,
        Outside(servers, answer) as outside,
    ):
        houses = {s.playbook: House(s.playbook, http, driven.jwt_secret, calls.append) for s in SCRIPTS}
        log = EventLog(servers)
        await log.start()
        try:
            await _acts(houses, outside, log)
        finally:
            await log.stop()
        outside.check()
    shown.latencies(CONSOLE, calls)


async def _acts(houses: dict[str, House], outside: Outside, log: EventLog) -> None:
    for house in houses.values():
        await house.register()
        found = "found" if house.registered_before else "registered"
        CONSOLE.print(f"{found} {house.playbook_name} of {house.organization_id}")
    before = await checks.metrics(houses)
    CONSOLE.rule("Acme's onboarding")
    acme = await onboard(houses[MAIN], outside, CONSOLE.print)
    timeline = await houses[MAIN].of(SALES_REP).timeline(acme["run_id"])
    shown.timeline(CONSOLE, f"Timeline of {acme['run_id']}", timeline)
    checks.acme_timeline(acme, timeline)
    CONSOLE.rule("The crowd")
    driven = await drive_all(list(plots(houses)))
    after = await checks.metrics(houses)
    tasks = await houses[MAIN].of(SALES_MANAGER).tasks(limit=100)
    events = await log.verify([acme["run_id"], *(one.run_id for one in driven)])
    checks.waiting_tasks(tasks, driven)
    checks.metrics_add_up(after)
    checks.metrics_grew(before, after, driven)
    shown.endings(CONSOLE, checks.outcomes(driven))
    CONSOLE.print(f"{events} events on run.events, numbered without gaps and chained by their hashes")
    CONSOLE.print(f"{outside.jobs_done} jobs done by the outside worker")
    shown.tasks(CONSOLE, SALES_MANAGER.sub, tasks)
    shown.metrics(CONSOLE, after[MAIN])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
