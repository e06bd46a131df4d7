"""The circuits of this instance, with a log line and a number for each change."""

from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge

from services.automation.domain.circuits import Circuits

OPEN = Gauge("hera_automation_circuits_open", "Hosts that this instance leaves alone, by organisation and host")
CHANGES = Counter("hera_automation_circuit_changes", "Circuits that opened, opened anew or closed", ["to"])
log = structlog.get_logger()


class Breakers(Circuits):
    """As `Circuits`, and tells."""

    def __init__(self, failures: int, open_for: timedelta) -> None:
        super().__init__(failures, open_for)
        OPEN.set_function(self.count_open)

    def told(self, lane: str, now: datetime, *, failed: bool, trial: bool) -> None:
        """What a call says of its host."""
        change = self.end(lane, now, failed=failed, trial=trial)
        if change is None:
            return
        CHANGES.labels(change).inc()
        organization_id, _, host = lane.partition(" ")
        until = self.open_until(lane)
        log.warning(f"circuit_{change}", organization_id=organization_id, host=host, until=until and until.isoformat())
