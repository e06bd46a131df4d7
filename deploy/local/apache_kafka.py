"""Three brokers of Apache Kafka 4.x (KRaft, each controller too) from Maven's jars, on Java 17 or newer."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from deploy.local.brokers import CREATE_TOPICS
from deploy.local.errors import StackError
from deploy.local.folder import CHECKOUT, Folder
from deploy.local.plan import Addresses, BrokerKind, Program, connection
from deploy.local.ports import HOST

NODES = (1, 2, 3)
CLUSTER_ID = "aGVyYS1sb2NhbC1zdGFjaw"
POM = CHECKOUT / "deploy" / "kafka_jars" / "pom.xml"
LOWEST_JAVA = 17
JAVA_OPTIONS = ("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")

PROPERTIES = """\
process.roles=broker,controller
node.id={node}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters={voters}
log.dirs={log_dirs}
auto.create.topics.enable=false
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
# All three stop together here: nobody is left to hand leadership to.
controlled.shutdown.enable=false
"""


class ApacheKafka:
    kind: BrokerKind = "kafka"
    port_names: tuple[str, ...] = tuple(f"kafka-{n}{role}" for n in NODES for role in ("", "-controller"))

    def bootstrap_servers(self, ports: dict[str, int]) -> str:
        return ",".join(f"{HOST}:{ports[f'kafka-{node}']}" for node in NODES)

    def prepare(self, folder: Folder, ports: dict[str, int], report: Callable[[str], None]) -> None:
        """Fetches the jars once, writes each node's configuration and formats its storage once."""
        jars = _jars(report)
        for node in NODES:
            home = folder.data(f"kafka-{node}")
            home.mkdir(parents=True, exist_ok=True)
            (home / "server.properties").write_text(properties(node, home, ports))
            if not (home / "log" / "meta.properties").exists():
                _format(jars, home)

    def programs(self, folder: Folder, ports: dict[str, int], addresses: Addresses) -> dict[str, Program]:
        jars = _jars_folder()
        return {
            f"kafka-{node}": Program(
                group="infrastructure",
                command=_java(jars, "kafka.Kafka", str(folder.data(f"kafka-{node}") / "server.properties")),
                environment=connection(addresses),
                alongside=CREATE_TOPICS if node == NODES[0] else [],
                port=ports[f"kafka-{node}"],
            )
            for node in NODES
        }


def properties(node: int, home: Path, ports: dict[str, int]) -> str:
    voters = ",".join(f"{n}@{HOST}:{ports[f'kafka-{n}-controller']}" for n in NODES)
    return PROPERTIES.format(
        node=node,
        host=HOST,
        port=ports[f"kafka-{node}"],
        controller_port=ports[f"kafka-{node}-controller"],
        voters=voters,
        log_dirs=home / "log",
    )


def require_java() -> None:
    """Raises StackError when Java is missing or too old."""
    java = shutil.which("java")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr if java else ""
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < LOWEST_JAVA:
        raise StackError(f"Apache Kafka needs Java {LOWEST_JAVA} or newer on the PATH: apt-get install openjdk-17-jre.")


def _jars_folder() -> Path:
    """Named after the pom, so that another version is fetched anew; shared by all data folders of the checkout."""
    return CHECKOUT / ".data" / "kafka_jars" / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]


def _jars(report: Callable[[str], None]) -> Path:
    require_java()
    jars = _jars_folder()
    if not jars.exists():
        if not shutil.which("mvn"):
            raise StackError(
                "Apache Kafka's jars are fetched with Maven, and mvn is not on the PATH: apt-get install maven."
            )
        report("  Fetching Apache Kafka's jars with Maven, once …")
        jars.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=jars.parent) as partial:
            _fetch(Path(partial) / "jars")
            (Path(partial) / "jars").rename(jars)
    return jars


def _fetch(target: Path) -> None:
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        errors = [line for line in result.stdout.splitlines() if line.startswith("[ERROR]")]
        raise StackError(f"Maven could not fetch Apache Kafka's jars: {(errors or ['it gave no reason'])[0]}")


def _java(jars: Path, main: str, *arguments: str) -> list[str]:
    return ["java", *JAVA_OPTIONS, "-cp", f"{jars}/*", main, *arguments]


def _format(jars: Path, home: Path) -> None:
    command = _java(jars, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(home / "server.properties"))
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        reason = (result.stderr or result.stdout).strip().splitlines()[-1:]
        raise StackError(f"Apache Kafka's storage in {home} could not be formatted: {' '.join(reason)}")
