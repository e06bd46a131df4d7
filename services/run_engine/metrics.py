"""The engine's own metrics."""

from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from contracts.commands import RUN_COMMANDS
from contracts.events import RUN_EVENTS, Timer

COMMANDS = Counter("hera_commands", "Commands taken, by what came of them", ["command", "outcome"])
SIGNALS = Counter("hera_signals", "Messages read from playbook.signals", ["outcome"])
EVENTS = Counter("hera_run_events", "Run events published (a crash may publish some twice)", ["type"])
INCIDENTS = Counter("hera_incidents", "Commands set aside by a surprise; their runs say so")
TIMERS_DUE = Gauge("hera_timers_due", "Timers found due and not fired yet at the last look, up to what one look takes")
TIMERS_LATE = Histogram(
    "hera_timer_late_seconds", "Time from a timer's due moment to its command",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)  # fmt: skip
TIMERS_FIRED = Counter("hera_timers_fired", "Timers that came due", ["kind"])

# A series that begins with its first one shows no increase.
for _command in RUN_COMMANDS:
    COMMANDS.labels(_command.__name__, "accepted")
for _event in RUN_EVENTS:
    EVENTS.labels(_event.__name__)
for _kind in get_args(Timer.model_fields["kind"].annotation):
    TIMERS_FIRED.labels(_kind)
for _outcome in ("taken", "refused", "rejected"):
    SIGNALS.labels(_outcome)
