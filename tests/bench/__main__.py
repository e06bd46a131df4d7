"""`python -m tests.bench [human5|signals|timers|limits|lists] …`: how much the stack does, how fast, at what cost.

Exits with 1 where an error occurred or a check failed.
"""

import argparse
import sys
from pathlib import Path

import uvloop

from tests import crowd
from tests.bench import human5, limits, lists, report, signals, timers
from tests.bench.target import Target, own_stack, running_stack


def main() -> int:
    options = _parser().parse_args()
    passed = True
    if options.which != "lists":
        with running_stack() as target:
            if options.which in ("all", "human5"):
                passed &= _human5(target, options)
            if options.which in ("all", "signals"):
                passed &= _signals(target, options)
            if options.which in ("all", "timers"):
                passed &= _timers(target, options)
            if options.which in ("all", "limits"):
                passed &= _limits(target, options)
    if options.which in ("all", "lists"):
        with own_stack() as target:  # never among the runs of somebody's stack
            passed &= _lists(target, options)
    return 0 if passed else 1


def _human5(target: Target, options: argparse.Namespace) -> bool:
    levels = []
    for clients in options.levels:
        print(f"human5: {clients} clients, {options.seconds:.0f} s …", flush=True)
        levels.append(uvloop.run(human5.measure(target, clients, options.seconds)))
    report.print_human5(levels)
    print(f"Written to {report.write('human5', [level.summary() for level in levels], options.json)}")
    return all(level.passed for level in levels)


def _signals(target: Target, options: argparse.Namespace) -> bool:
    print(f"signals: {options.senders} senders, {options.signal_seconds:.0f} s …", flush=True)
    sustained = uvloop.run(signals.measure(target, options.senders, options.signal_seconds))
    report.print_signals(sustained)
    path = options.json.with_stem(f"{options.json.stem}-signals") if options.json else None
    print(f"Written to {report.write('signals', [sustained.summary()], path)}")
    return sustained.passed


def _timers(target: Target, options: argparse.Namespace) -> bool:
    print(f"timers: {timers.TIMERS} beside {options.timer_clients} clients …", flush=True)
    storm = uvloop.run(timers.measure(target, options.timer_clients))
    report.print_timers(storm)
    path = options.json.with_stem(f"{options.json.stem}-timers") if options.json else None
    print(f"Written to {report.write('timers', [storm.summary()], path)}")
    return storm.passed


def _limits(target: Target, options: argparse.Namespace) -> bool:
    print(f"limits: {options.limit_clients} clients, {options.limit_seconds:.0f} s of each …", flush=True)
    found = uvloop.run(limits.measure(target, options.limit_clients, options.limit_seconds))
    report.print_limits(found)
    path = options.json.with_stem(f"{options.json.stem}-limits") if options.json else None
    print(f"Written to {report.write('limits', [found.summary()], path)}")
    return found.passed


def _lists(target: Target, options: argparse.Namespace) -> bool:
    print(f"lists: {lists.RUNS} runs beside {crowd.THEIRS}, {options.list_seconds:.0f} s …", flush=True)
    read = uvloop.run(lists.measure(target, options.list_seconds))
    report.print_lists(read)
    path = options.json.with_stem(f"{options.json.stem}-lists") if options.json else None
    print(f"Written to {report.write('lists', [read.summary()], path)}")
    return read.passed


def _levels(text: str) -> list[int]:
    return [_bounded(part, 1, 1000) for part in text.split(",")]


def _bounded(text: str, lowest: int, highest: int) -> int:
    if not text.strip().isdecimal() or not lowest <= int(text) <= highest:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {lowest} to {highest}")
    return int(text)


def _seconds(text: str) -> float:
    return float(_bounded(text, 1, 600))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "which", nargs="?", choices=["all", "human5", "signals", "timers", "limits", "lists"], default="all"
    )
    parser.add_argument("--seconds", type=_seconds, default=20.0, help="of each level of human5 (default 20)")
    parser.add_argument("--levels", type=_levels, default=[1, 32, 128], help="clients of human5 (default 1,32,128)")
    parser.add_argument("--signal-seconds", type=_seconds, default=60.0, help="of signals (default 60)")
    parser.add_argument(
        "--senders", type=lambda t: _bounded(t, 1, 1000), default=64, help="signals in flight (default 64)"
    )
    parser.add_argument(
        "--timer-clients", type=lambda t: _bounded(t, 1, 1000), default=16, help="beside the timers (default 16)"
    )
    parser.add_argument(
        "--limit-clients", type=lambda t: _bounded(t, 1, 1000), default=16, help="beside large runs (default 16)"
    )
    parser.add_argument("--limit-seconds", type=_seconds, default=20.0, help="of each of limits (default 20)")
    parser.add_argument("--list-seconds", type=_seconds, default=20.0, help="of lists (default 20)")
    parser.add_argument("--json", type=Path, help="where the numbers go (default .data/bench/NAME-TIME.json)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
