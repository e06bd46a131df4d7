"""What is printed and what is written."""

import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.local.folder import CHECKOUT
from tests.bench.checks import Check
from tests.bench.human5 import Level
from tests.bench.limits import Limits
from tests.bench.lists import Lists
from tests.bench.signals import Sustained
from tests.bench.timers import Storm

PLAIN_WIDTH = 120
RESULTS = CHECKOUT / ".data" / "bench"


def print_human5(levels: Sequence[Level]) -> None:
    console = _console()
    table = Table(title="human5: start a run, complete its five steps (ms: p50 / p95 / p99)")
    for column in ("clients", "completions/s", "runs/s", "start ms", "complete ms", "errors"):
        table.add_column(column, justify="right")
    for level in levels:
        told = level.summary()
        latencies = [_latency(told[what]) for what in ("start_ms", "complete_ms")]
        rates = [told["completions_per_second"], told["runs_per_second"]]
        table.add_row(*_cells([level.clients, *rates, *latencies, sum(level.window.errors.values())]))
    console.print(table)
    console.print(_cpu_table("completions", {str(x.clients): x.window.cpu_per_thousand("complete") for x in levels}))
    for level in levels:
        _print_checks(console, f"{level.clients} clients", level.checks, level.window.errors)


def print_signals(sustained: Sustained) -> None:
    console = _console()
    told = sustained.summary()
    table = Table(title="signals: events on playbook.signals move blocked runs on (ms: p50 / p95 / p99)")
    for column in ("senders", "signals/s", "runs/s", "outcome ms", "lag at the end", "errors"):
        table.add_column(column, justify="right")
    lag = ", ".join(f"{name} {behind}" for name, behind in sustained.lag_at_end.items())
    rates = [told["signals_per_second"], told["runs_per_second"]]
    table.add_row(
        *_cells([sustained.senders, *rates, _latency(told["outcome_ms"]), lag, sum(sustained.window.errors.values())])
    )
    console.print(table)
    columns = {str(sustained.senders): sustained.window.cpu_per_thousand("signal")}
    console.print(_cpu_table("signals", columns))
    _print_checks(console, f"{sustained.senders} senders", sustained.checks, sustained.window.errors)


def print_timers(storm: Storm) -> None:
    console = _console()
    told = storm.summary()
    table = Table(
        title=f"timers: {told['timers']:,} due in one second, {told['clients']} clients (ms: p50 / p95 / p99)"
    )
    for column in ("", "seconds", "completions/s", "complete ms"):
        table.add_column(column, justify="left" if not column else "right")
    for name, level in (("quiet", storm.quiet), ("while_timers_fire", storm.busy)):
        part = told[name]
        seconds = round(level.window.seconds, 1)
        table.add_row(
            name.replace("_", " "), *_cells([seconds, part["completions_per_second"], _latency(part["complete_ms"])])
        )
    console.print(table)
    _print_checks(console, "timers", storm.checks, storm.quiet.window.errors + storm.busy.window.errors)


def print_limits(found: Limits) -> None:
    console = _console()
    told = found.summary()
    table = Table(title=f"limits: {told['clients']} clients that complete steps, beside runs as large as they may be")
    for column in ("beside", "its requests", "completions/s", "complete p50/p95/p99 ms", "start p50/p95/p99 ms"):
        table.add_column(column, justify="left" if column == "beside" else "right")
    for part in told["parts"]:
        table.add_row(part["beside"], *_cells([
            part["neighbours_requests"], part["completions_per_second"], _latency(part["complete_ms"]),
            _latency(part["start_ms"]),
        ]))  # fmt: skip
    console.print(table)
    _print_checks(console, "limits", found.checks, found.errors)


def print_lists(read: Lists) -> None:
    console = _console()
    told = read.summary()
    title = f"lists: pages of 20 of {told['runs']:,} runs beside {told['runs_of_others']:,}, {told['clients']} clients"
    table = Table(title=title)
    for column in ("page", "count", "p50 ms", "p95 ms", "p99 ms", "max ms"):
        table.add_column(column, justify="left" if column == "page" else "right")
    for name, latency in told["ms"].items():
        table.add_row(name, *_cells([read.window.count(name), *latency.values()]))
    console.print(table)
    console.print(f"{told['pages_per_second']} pages/s")
    _print_checks(console, "lists", [], read.window.errors)


def write(name: str, results: Sequence[dict[str, Any]], path: Path | None) -> Path:
    """The numbers as JSON, with the machine that they are of."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = path or RESULTS / f"{name}-{now}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    path.write_text(json.dumps({"benchmark": name, "at": now, "machine": machine, "results": results}, indent=1))
    return path


def _cpu_table(of_what: str, columns: dict[str, dict[str, float | None]]) -> Table:
    table = Table(title=f"CPU seconds for 1,000 {of_what}")
    table.add_column("process")
    for column in columns:
        table.add_column(column, justify="right")
    names = sorted({name for spent in columns.values() for name in spent}, key=lambda n: -_highest(columns, n))
    for name in names:
        table.add_row(name, *_cells([spent.get(name) for spent in columns.values()]))
    totals = [sum(seconds or 0.0 for seconds in spent.values()) for spent in columns.values()]
    table.add_row("all", *_cells([round(total, 2) for total in totals]), style="bold")
    return table


def _highest(columns: dict[str, dict[str, float | None]], name: str) -> float:
    return max(spent.get(name) or 0.0 for spent in columns.values())


def _print_checks(console: Console, of_what: str, checks: Sequence[Check], errors: dict[str, int]) -> None:
    for check in checks:
        mark = "[green]ok[/green]" if check.passed else "[red]FAILED[/red]"
        console.print(f"{of_what}: {mark} {check.what}: {escape(check.detail)}")
    for error, count in errors.items():
        console.print(f"{of_what}: [red]{count} times[/red] {escape(error)}", highlight=False)


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)


def _latency(milliseconds: dict[str, float | None]) -> str:
    return " / ".join(_cells([milliseconds[share] for share in ("p50", "p95", "p99")]))


def _cells(values: Sequence[object]) -> list[str]:
    return ["-" if value is None else str(value) for value in values]
