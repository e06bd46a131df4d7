"""The life of a run and of a step, as tables. Nothing changes status but along these lines."""

from typing import Literal

RunStatus = Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
StepStatus = Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]

RUN_TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    "active": frozenset({"paused", "blocked", "completed", "failed", "cancelled"}),
    "paused": frozenset({"active", "cancelled"}),
    "blocked": frozenset({"active", "paused", "cancelled"}),
    "failed": frozenset({"active"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
"""A failed run becomes active again through a retry; completed and cancelled runs stay as they are."""

STEP_TRANSITIONS: dict[StepStatus, frozenset[StepStatus]] = {
    "pending": frozenset({"in_progress", "blocked", "skipped", "failed"}),
    "in_progress": frozenset({"completed", "failed", "skipped", "paused", "cancelled", "pending"}),
    "paused": frozenset({"in_progress", "blocked", "completed", "failed", "cancelled"}),
    "blocked": frozenset({"in_progress", "blocked", "skipped", "failed", "paused", "cancelled", "pending"}),
    "completed": frozenset({"pending"}),
    "failed": frozenset({"pending"}),
    "skipped": frozenset({"pending"}),
    "cancelled": frozenset({"pending"}),
}
"""Back to pending: work that was returned, or that is tried again. A blocked step that looks again may stay blocked.
A paused step completes or fails only through an automated attempt that was in flight."""

RUN_OPEN: frozenset[RunStatus] = frozenset({"active", "paused", "blocked"})
STEP_OPEN: frozenset[StepStatus] = frozenset({"in_progress", "paused", "blocked"})
STEP_ENDED: frozenset[StepStatus] = frozenset({"completed", "failed", "skipped", "cancelled"})

ALLOWED_ON_RUN: dict[RunStatus, tuple[str, ...]] = {
    "active": (
        "complete",
        "claim",
        "release",
        "update",
        "pause",
        "cancel",
        "retry",
        "skip",
        "escalate",
        "reassign",
        "event",
    ),
    "paused": ("update", "resume", "cancel", "escalate", "reassign", "event"),
    "blocked": ("update", "pause", "cancel", "retry", "skip", "escalate", "reassign", "event"),
    "completed": (),
    "failed": ("retry",),
    "cancelled": (),
}
"""What a user may do to a run of each status; read by the deciders and said in the rejections."""

ALLOWED_ON_STEP: dict[str, tuple[StepStatus, ...]] = {
    "complete": ("in_progress",),
    "claim": ("in_progress",),
    "release": ("in_progress",),
    "retry": ("failed",),
    "skip": ("pending", "in_progress", "blocked"),
    "escalate": ("in_progress", "paused", "blocked"),
    "reassign": ("pending", "in_progress", "paused", "blocked"),
}
"""What may be done to a step of each status, where its run's status allows it."""
