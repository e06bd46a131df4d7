"""What runs: each program with its command, environment and port, written to `stack.json` before anything starts."""

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.local.folder import CHECKOUT, Folder
from deploy.local.kafka.security import BrokerSecurity
from deploy.local.ports import HOST

Group = Literal["infrastructure", "services"]
GATEWAY_PORT = 8000
GATEWAY_METRICS = "gateway_metrics"
"""Names the port of the gateway's metrics, which its public port does not show."""
PARTITIONS = 4
SESSION_TIMEOUT_MS = 6000
"""How long a killed consumer keeps its partitions; the broker allows no less."""
QUERIED = {
    "REGISTRY_URL": "playbook_registry",
    "RUN_ENGINE_URL": "run_engine",
    "TIMELINE_URL": "timeline",
    "ANALYTICS_URL": "analytics",
    "NOTIFIER_URL": "notifier",
}
"""By the gateway."""
PREFERRED_PORTS = {"kafka-1": 9092}
"""Of a stack that a person starts: the port that Kafka's tools expect."""
SERVICES = ("gateway", "playbook_registry", "run_engine", "timeline", "analytics", "automation", "notifier")


class Program(BaseModel):
    model_config = ConfigDict(frozen=True)

    group: Group
    command: list[str]
    environment: dict[str, str] = {}
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class Addresses(BaseModel):
    """Where MongoDB and Kafka are, and how many brokers there are."""

    model_config = ConfigDict(frozen=True)

    mongodb_uri: str
    kafka_bootstrap_servers: str
    brokers: int


class Plan(BaseModel):
    """The contents of `stack.json`."""

    ports: dict[str, int]
    addresses: Addresses
    environment: dict[str, str] = {}
    own_environment: dict[str, dict[str, str]] = {}
    programs: dict[str, Program]
    supervisor_port: int
    supervisor_password: str

    def names(self, group: Group) -> list[str]:
        return [name for name, program in self.programs.items() if program.group == group]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller of `up` wants; what is left open is chosen."""

    brokers: int = 1
    ports: dict[str, int] = field(default_factory=dict)
    """By program; 0 means any free port."""
    preferred_ports: Mapping[str, int] = field(default_factory=dict)
    """By program; another one is taken where this one is in use."""
    external: Addresses | None = None
    """MongoDB and Kafka that run already."""
    mongodb_uri: str | None = None
    """A MongoDB that runs already, next to a Kafka of the stack's own."""
    accept_lost_log: bool = False
    """Go on with an empty log though MongoDB holds the data of an earlier one."""
    environment: dict[str, str] = field(default_factory=dict)
    """Takes precedence over the stack's settings and the caller's own, for every service."""
    own_environment: dict[str, dict[str, str]] = field(default_factory=dict)
    """By service; takes precedence over all else."""
    security: BrokerSecurity | None = None
    """What the brokers demand of their clients; None: nothing."""


def load(folder: Folder) -> Plan | None:
    """The plan of the last start; None if there was none or it can't be read."""
    try:
        return Plan.model_validate_json(folder.state.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def save(folder: Folder, plan: Plan) -> None:
    folder.write_private(folder.state, plan.model_dump_json(indent=1))


def new_password() -> str:
    return secrets.token_urlsafe(24)


def kafka_settings(brokers: int) -> dict[str, str]:
    """Returns the production settings, scaled to this many brokers. The caller's environment takes precedence."""
    values = dotenv_values(CHECKOUT / "deploy" / "kafka.env") | {
        "KAFKA_PARTITIONS": str(PARTITIONS),
        "KAFKA_REPLICATION_FACTOR": str(brokers),
        "KAFKA_MIN_INSYNC_REPLICAS": str(in_sync_replicas(brokers)),
        "KAFKA_SESSION_TIMEOUT_MS": str(SESSION_TIMEOUT_MS),
    }
    return {name: os.environ.get(name) or str(value) for name, value in values.items()}


def in_sync_replicas(brokers: int) -> int:
    """Returns how many brokers must have a record before it is acknowledged: one may be down, if there are several."""
    return max(1, brokers - 1)


def connection(addresses: Addresses) -> dict[str, str]:
    """The settings by which a service reaches its infrastructure."""
    return kafka_settings(addresses.brokers) | {
        "MONGODB_URI": addresses.mongodb_uri,
        "KAFKA_BOOTSTRAP_SERVERS": addresses.kafka_bootstrap_servers,
    }


def services(
    folder: Folder,
    addresses: Addresses,
    ports: dict[str, int],
    over: dict[str, str],
    own_over: Mapping[str, dict[str, str]],
) -> dict[str, Program]:
    """The seven services on the given infrastructure."""
    shown = {"SERVICE_TOKEN": os.environ.get("SERVICE_TOKEN") or folder.service_token()}
    every = connection(addresses) | shown | {"HTTP_HOST": HOST, "PYTHONUNBUFFERED": "1"} | over
    scheme = "https" if over.get("SERVICE_TLS_CA_FILE") or os.environ.get("SERVICE_TLS_CA_FILE") else "http"
    gateway = {variable: f"{scheme}://{HOST}:{ports[name]}" for variable, name in QUERIED.items()}
    gateway |= {"JWT_SECRET": folder.jwt_secret(), "METRICS_PORT": str(ports.get(GATEWAY_METRICS, 0))}
    asks_the_engine = {"RUN_ENGINE_URL": gateway["RUN_ENGINE_URL"]}
    keys = {"ENCRYPTION_KEYS": os.environ.get("ENCRYPTION_KEYS") or folder.encryption_keys()}
    own = {
        "gateway": gateway,
        "run_engine": keys,
        "automation": asks_the_engine,
        "notifier": asks_the_engine | keys,
    }
    return {
        name: Program(
            group="services",
            command=[sys.executable, "-m", f"services.{name}"],
            environment=every | {"HTTP_PORT": str(ports[name])} | own.get(name, {}) | own_over.get(name, {}),
            port=ports[name],
        )
        for name in SERVICES
    }
