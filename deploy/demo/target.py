"""What the demo drives: the local stack, or an installation that runs already, such as Compose's."""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.demo.errors import DemoError, require
from deploy.local import stack
from deploy.local.folder import Folder, default_path
from deploy.local.plan import PREFERRED_PORTS, Wishes
from deploy.local.ports import given_port

VARIABLE = "JWT_SECRET"
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Target:
    """What somebody outside must know of an installation."""

    gateway_url: str
    bootstrap_servers: str
    jwt_secret: str


def given(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Target | None:
    """The installation that is named; None: the local stack. Raises DemoError for half of one."""
    options = _parser().parse_args(arguments)
    if options.gateway is None and options.kafka is None:
        return None
    require(options.gateway and options.kafka, "--gateway and --kafka go together: one signal goes by Kafka.")
    require(
        options.gateway.startswith(("http://", "https://")),
        f"--gateway {options.gateway} is no address such as http://127.0.0.1:8000.",
    )
    secret = environment.get(VARIABLE, "")
    require(
        len(secret.encode()) >= SECRET_BYTES,
        f"{VARIABLE} must hold the secret that the gateway at {options.gateway} was started with:"
        f" the demo makes its people's tokens with it. It has {len(secret.encode())} bytes, {SECRET_BYTES} are needed.",
    )
    return Target(options.gateway, options.kafka, secret)


@contextmanager
def local(report: Callable[[str], None]) -> Iterator[Target]:
    """The local stack; taken down at the end if it was not up before."""
    folder = Folder(default_path())
    ports = {} if given_port("gateway") is not None else {"gateway": 0}
    started = stack.up(folder, Wishes(ports=ports, preferred_ports=PREFERRED_PORTS), report=report)
    plan = started.plan
    try:
        yield Target(plan.programs["gateway"].url, plan.addresses.kafka_bootstrap_servers, folder.jwt_secret())
    finally:
        if started.lifeline:
            stack.down(folder)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise DemoError(f"{message[:1].upper()}{message[1:]}. `python -m deploy.demo --help` shows the options.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "python -m deploy.demo",
        description="The API reference's five playbooks at work: on the local stack, or on an installation that runs"
        f" already and whose JWT secret stands in the environment variable {VARIABLE}.",
    )
    parser.add_argument("--gateway", metavar="URL", help="such as http://127.0.0.1:8000")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="bootstrap servers, such as 127.0.0.1:9094")
    return parser
