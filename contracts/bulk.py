"""One signal to many runs."""

from typing import Any, Literal

from pydantic import Field, model_validator

from contracts.commands import Command
from contracts.signals import Signal
from contracts.values import Contract, Moment

RunStatus = Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
MAX_RUN_IDS = 1000


class RunSelection(Contract):
    """Which runs: those that are named, or all of the organisation's that fit. Ranges include their ends."""

    run_ids: list[str] | None = Field(default=None, min_length=1, max_length=MAX_RUN_IDS)
    status: RunStatus | None = None
    """Without it the runs that the signal can mean: open ones, and for a retry failed ones too."""
    playbook_id: str | None = Field(default=None, min_length=1, max_length=200)
    entity_type: str | None = Field(default=None, min_length=1, max_length=200)
    entity_id: str | None = Field(default=None, min_length=1, max_length=200)
    assignee: str | None = Field(default=None, min_length=1, max_length=200)
    priority: str | None = Field(default=None, min_length=1, max_length=200)
    overdue: bool = False
    created_from: Moment | None = None
    created_to: Moment | None = None
    updated_from: Moment | None = None
    updated_to: Moment | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "RunSelection":
        given = self.filters()
        if self.run_ids is None and not given:
            raise ValueError("name at least one filter, or run_ids: not even a mistake signals all runs")
        if self.run_ids is not None and given:
            raise ValueError(f"run_ids stands alone; {', '.join(given)} can't go with it")
        return self

    def filters(self) -> dict[str, Any]:
        """Those that are given, by name, without run_ids."""
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "run_ids"}
        return {name: value for name, value in values.items() if value is not None and value is not False}


class SignalRuns(Command):
    """The signal goes to each run of the selection as a command of its own, with all its checks."""

    operation_id: str
    selection: RunSelection
    signal: Signal


BULK_COMMANDS: tuple[type[Command], ...] = (SignalRuns,)
