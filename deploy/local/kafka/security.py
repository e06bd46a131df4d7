"""What a broker needs to demand TLS and a principal from its clients: lines over the usual ones, its first users."""

from dataclasses import dataclass

LISTENERS = """\
listeners={protocol}://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners={protocol}://{host}:{port}
inter.broker.listener.name={protocol}
"""


@dataclass(frozen=True, slots=True)
class BrokerSecurity:
    protocol: str
    """Of the clients' listener, which is named by it: SASL_SSL, SSL, …"""
    properties: str
    """Lines of `server.properties`."""
    format_arguments: tuple[str, ...] = ()
    """Of the storage tool, which writes the first SCRAM users."""

    def lines(self, host: str, port: int, controller_port: int) -> str:
        """Returns what comes behind the usual properties: of a name that stands twice Java takes the last."""
        listeners = LISTENERS.format(protocol=self.protocol, host=host, port=port, controller_port=controller_port)
        return listeners + self.properties
