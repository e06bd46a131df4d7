"""The permissions of tokens that more than one service checks, and which of them include others."""

from collections.abc import Collection, Mapping

from contracts.signals import SignalType

RUN_UPDATE = "run:update"
RUN_DATA = "run:data"
REASSIGN = "run:reassign"
SIGNAL_PERMISSIONS: Mapping[SignalType, str] = {
    "pause": "run:pause",
    "resume": "run:resume",
    "cancel": "run:cancel",
    "retry": "run:retry",
    "skip": "run:skip",
    "escalate": "run:escalate",
    "reassign": REASSIGN,
    "event": "run:event",
}
"""What each type of signal requires, over REST and Kafka."""
INCLUDED: Mapping[str, frozenset[str]] = {
    RUN_UPDATE: frozenset({*SIGNAL_PERMISSIONS.values(), RUN_DATA}),
    "step:skip": frozenset({SIGNAL_PERMISSIONS["skip"]}),
}
"""By permission, those that it includes."""
TO_SIGNAL = (*SIGNAL_PERMISSIONS.values(), "step:skip")
"""Each of these allows some signal; so does `run:update`."""


def is_granted(permission: str, held: Collection[str]) -> bool:
    """Returns whether `held` grants `permission`: by its name, as part of another, or by `run:*` or `*`."""
    resource = permission.partition(":")[0]
    if not {permission, f"{resource}:*", "*"}.isdisjoint(held):
        return True
    return any(permission in INCLUDED.get(other, ()) for other in held)
