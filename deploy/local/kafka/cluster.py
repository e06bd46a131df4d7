"""A cluster of Apache Kafka in KRaft mode: one broker or several, each of them a controller too."""

from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.folder import Folder
from deploy.local.kafka.install import install
from deploy.local.kafka.installation import Installation
from deploy.local.kafka.security import BrokerSecurity
from deploy.local.kafka.storage import BrokerFolder
from deploy.local.plan import Program
from deploy.local.ports import HOST


@dataclass(frozen=True, slots=True)
class KafkaCluster:
    brokers: int
    security: BrokerSecurity | None = None

    @property
    def nodes(self) -> range:
        return range(1, self.brokers + 1)

    @property
    def port_names(self) -> list[str]:
        return [name for node in self.nodes for name in (_name(node), _controller_name(node))]

    def bootstrap_servers(self, ports: dict[str, int]) -> str:
        return ",".join(f"{HOST}:{ports[_name(node)]}" for node in self.nodes)

    def prepare(self, folder: Folder, ports: dict[str, int], report: Callable[[str], None]) -> dict[str, Program]:
        """Installs Kafka, writes each broker's properties, formats its storage once, and returns the programs.

        Raises:
            StackError: Kafka can't be installed, or a storage can't be formatted.
        """
        installation = install(report)
        return {_name(node): self._prepare_node(node, installation, folder, ports) for node in self.nodes}

    def _prepare_node(self, node: int, installation: Installation, folder: Folder, ports: dict[str, int]) -> Program:
        broker = self.folder(folder, node)
        broker.write_properties(
            node, {n: ports[_name(n)] for n in self.nodes}, {n: ports[_controller_name(n)] for n in self.nodes}
        )
        broker.format(installation)
        command = installation.command("kafka.Kafka", str(broker.properties))
        return Program(group="infrastructure", command=command, port=ports[_name(node)])

    def folder(self, folder: Folder, node: int) -> BrokerFolder:
        """A cluster of another size is another cluster: it has folders of its own."""
        return BrokerFolder(folder.data(f"kafka-of-{self.brokers}") / str(node), self.security)


def _name(node: int) -> str:
    return f"kafka-{node}"


def _controller_name(node: int) -> str:
    return f"kafka-{node}-controller"
