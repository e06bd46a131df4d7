"""The stack that is measured: where it is, who may call it, which processes it is made of."""

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local import plan, stack, supervisor, tokens
from deploy.local.folder import CHECKOUT, Folder, default_path
from deploy.local.plan import Plan, Wishes
from deploy.local.ports import HOST
from deploy.local.supervisor import Control
from shared.settings import ServiceSettings
from tests.bench.client import Caller

OWN_STACK = CHECKOUT / ".data" / "bench" / "stack"
PERMISSIONS = ("*",)
NO_LIMIT = {"RATE_LIMIT_PER_MINUTE": "100000000"}
"""High, and counted all the same: counting is part of what is measured."""


@dataclass(frozen=True, slots=True)
class Target:
    folder: Folder
    plan: Plan

    def pids(self) -> dict[str, int]:
        """By program, those that run now."""
        return {name: state["pid"] for name, state in Control(self.plan).states().items() if state["pid"]}

    @property
    def bootstrap_servers(self) -> str:
        return self.plan.addresses.kafka_bootstrap_servers

    @property
    def mongodb_uri(self) -> str:
        return self.plan.addresses.mongodb_uri

    @property
    def engine_database(self) -> str:
        prefix = os.environ.get("DATABASE_PREFIX", ServiceSettings.model_fields["database_prefix"].default)
        return f"{prefix}_run_engine"

    def caller(
        self,
        organization_id: str | None = None,
        subject: str = "bench_user",
        port: int | None = None,
        roles: Sequence[str] = (),
    ) -> Caller:
        """Somebody of an organisation of their own, who may do everything."""
        organization_id = organization_id or f"org_bench_{uuid.uuid4().hex[:12]}"
        secret = self.folder.jwt_secret()
        token = tokens.make_token(
            secret, subject, organization_id, roles=roles, permissions=PERMISSIONS, ttl_seconds=7200
        )
        return Caller(HOST, port or self.plan.ports["gateway"], token, organization_id)


@contextlib.contextmanager
def running_stack() -> Iterator[Target]:
    """The stack of this checkout if it is up; else one with data of its own, that is taken down at the end."""
    folder = Folder(default_path())
    if _all_run(folder):
        started = stack.up(folder, Wishes())
        yield Target(folder, started.plan)
        return
    with own_stack() as target:
        yield target


@contextlib.contextmanager
def own_stack(path: Path = OWN_STACK) -> Iterator[Target]:
    """One with data of its own, whatever else is up."""
    folder = Folder(path)
    stack.down(folder)
    shutil.rmtree(path, ignore_errors=True)
    began = time.monotonic()
    started = stack.up(folder, Wishes(ports={"gateway": 0}, environment=NO_LIMIT), report=lambda _: None)
    print(f"Brought up a stack for the benchmark in {time.monotonic() - began:.1f} s; it ends with it.")
    try:
        yield Target(folder, started.plan)
    finally:
        stack.down(folder)


def _all_run(folder: Folder) -> bool:
    current = plan.load(folder)
    if current is None or not supervisor.is_running(folder) or not Control(current).answers():
        return False
    return all(state["statename"] == "RUNNING" for state in Control(current).states().values())
