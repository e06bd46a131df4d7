"""One broker's folder: its properties, and its storage, which is formatted once."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.kafka.installation import Installation
from deploy.local.kafka.security import BrokerSecurity
from deploy.local.plan import in_sync_replicas
from deploy.local.ports import HOST

CLUSTER_ID = "aGVyYS1sb2NhbC1zdGFjaw"
FORMAT_SECONDS = 120

PROPERTIES = """\
process.roles=broker,controller
node.id={node}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters={voters}
log.dirs={log}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
# Another producer's open transaction holds back the partitions that it writes to; it ends after a minute.
transaction.max.timeout.ms=60000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
# A killed broker is let in again only when its last session has ended; the default makes that 9 s.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# A local stack has few clients: fewer threads start faster and use less memory.
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""


@dataclass(frozen=True, slots=True)
class BrokerFolder:
    path: Path
    security: BrokerSecurity | None = None

    @property
    def properties(self) -> Path:
        return self.path / "server.properties"

    @property
    def log(self) -> Path:
        return self.path / "log"

    def write_properties(self, node: int, ports: Mapping[int, int], controller_ports: Mapping[int, int]) -> None:
        """Writes `server.properties` for this node of a cluster; `ports` and `controller_ports` are by node."""
        self.path.mkdir(parents=True, exist_ok=True)
        lines = properties(node, self.log, ports, controller_ports)
        if self.security:
            lines += self.security.lines(HOST, ports[node], controller_ports[node])
        self.properties.write_text(lines)

    def format(self, installation: Installation) -> None:
        """Formats the storage unless that is done. A half-formatted one of a killed start is made again.

        Raises:
            StackError: Java fails, or the folder holds records but not the file that makes them readable.
        """
        if (self.log / "meta.properties").exists():
            return
        if any(self.log.glob("*-[0-9]*")):
            raise StackError(
                f"{self.log} holds records but no meta.properties, so Kafka can't read it: restore that file, or move "
                "the folder away to start with an empty log."
            )
        shutil.rmtree(self.log, ignore_errors=True)
        _run(installation.command("kafka.tools.StorageTool", *self._format_arguments()), self.log)

    def _format_arguments(self) -> tuple[str, ...]:
        users = self.security.format_arguments if self.security else ()
        return "format", "-t", CLUSTER_ID, "-c", str(self.properties), *users


def properties(node: int, log: Path, ports: Mapping[int, int], controller_ports: Mapping[int, int]) -> str:
    """Returns the same configuration for one broker and for three, but for the number of copies."""
    replicas = len(ports)
    return PROPERTIES.format(
        node=node,
        host=HOST,
        port=ports[node],
        controller_port=controller_ports[node],
        voters=",".join(f"{voter}@{HOST}:{port}" for voter, port in controller_ports.items()),
        log=log,
        replicas=replicas,
        in_sync=in_sync_replicas(replicas),
    )


def _run(command: list[str], log: Path) -> None:
    result = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False)
    if result.returncode != 0:
        reason = (result.stderr or result.stdout).strip().splitlines()[-1:] or ["Java gave no reason"]
        raise StackError(f"Kafka's storage in {log} could not be formatted: {reason[0]}")
