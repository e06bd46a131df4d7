"""The engine's own metrics."""

from prometheus_client import Counter

COMMANDS = Counter("hera_commands", "Commands taken, by what came of them", ["command", "outcome"])
SIGNALS = Counter("hera_signals", "Messages read from playbook.signals", ["outcome"])
TIMERS_FIRED = Counter("hera_timers_fired", "Timers that came due", ["kind"])
