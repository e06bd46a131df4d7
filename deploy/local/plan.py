"""What runs: each program with its command, environment and port, written to `stack.json` before anything starts."""

import os
import secrets
import sys
from dataclasses import dataclass, field
from typing import Literal

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.local.folder import CHECKOUT, Folder
from deploy.local.ports import HOST

Group = Literal["infrastructure", "services"]
BrokerKind = Literal["embedded", "kafka"]
GATEWAY_PORT = 8000
QUERIED = {
    "REGISTRY_URL": "playbook_registry",
    "RUN_ENGINE_URL": "run_engine",
    "TIMELINE_URL": "timeline",
    "ANALYTICS_URL": "analytics",
    "NOTIFIER_URL": "notifier",
}
"""By the gateway."""
SERVICES = ("gateway", "playbook_registry", "run_engine", "timeline", "analytics", "automation", "notifier")


class Program(BaseModel):
    model_config = ConfigDict(frozen=True)

    group: Group
    command: list[str]
    environment: dict[str, str] = {}
    alongside: list[str] = []
    """A command that runs beside the program each time it starts."""
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class Addresses(BaseModel):
    """Where MongoDB and Kafka are, and the broker's profile."""

    model_config = ConfigDict(frozen=True)

    mongodb_uri: str
    kafka_bootstrap_servers: str
    profile: str


class Plan(BaseModel):
    """The contents of `stack.json`."""

    broker: BrokerKind | None
    """None: MongoDB and Kafka are somebody else's."""
    ports: dict[str, int]
    addresses: Addresses
    environment: dict[str, str] = {}
    programs: dict[str, Program]
    supervisor_port: int
    supervisor_password: str

    def names(self, group: Group) -> list[str]:
        return [name for name, program in self.programs.items() if program.group == group]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller of `up` wants; what is left open is chosen."""

    broker: BrokerKind = "embedded"
    ports: dict[str, int] = field(default_factory=dict)
    """By program; 0 means any free port."""
    external: Addresses | None = None
    environment: dict[str, str] = field(default_factory=dict)
    """Over the profile's and the caller's own, for every service."""


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


def kafka_settings(profile: str) -> dict[str, str]:
    """The profile's settings; a variable of the same name in the environment goes before it."""
    values = dotenv_values(CHECKOUT / "deploy" / "profiles" / f"{profile}.env")
    return {name: os.environ.get(name) or str(value) for name, value in values.items()}


def connection(addresses: Addresses) -> dict[str, str]:
    """The settings by which a service reaches its infrastructure."""
    return kafka_settings(addresses.profile) | {
        "MONGODB_URI": addresses.mongodb_uri,
        "KAFKA_BOOTSTRAP_SERVERS": addresses.kafka_bootstrap_servers,
    }


def services(folder: Folder, addresses: Addresses, ports: dict[str, int], over: dict[str, str]) -> dict[str, Program]:
    """The seven services on the given infrastructure."""
    shown = {"SERVICE_TOKEN": os.environ.get("SERVICE_TOKEN") or folder.service_token()}
    every = connection(addresses) | shown | {"HTTP_HOST": HOST, "PYTHONUNBUFFERED": "1"} | over
    gateway = {variable: f"http://{HOST}:{ports[name]}" for variable, name in QUERIED.items()}
    gateway["JWT_SECRET"] = folder.jwt_secret()
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
            environment=every | {"HTTP_PORT": str(ports[name])} | own.get(name, {}),
            port=ports[name],
        )
        for name in SERVICES
    }
