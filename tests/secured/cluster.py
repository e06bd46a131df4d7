"""A secured Kafka: what its brokers are configured with, and what a client of each principal sets."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from deploy.acls import BACKUP, OPERATOR, RESTORE, SOURCE, WORKER, acls, apply
from deploy.local import stack
from deploy.local.folder import Folder
from deploy.local.kafka.security import BrokerSecurity
from deploy.local.plan import SERVICES, Wishes
from shared.kafka_settings import read_kafka_settings
from tests.running_stack import PLENTY, WEBHOOKS, RunningStack
from tests.secured.certificates import Authority

T = TypeVar("T")
ADMIN, BROKER = "admin", "broker"
MECHANISM = "SCRAM-SHA-512"
_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PROPERTIES = """\
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={login} required username="broker" password="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.controller.ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:admin;User:broker;User:CN=broker
"""


def password(user: str) -> str:
    return f"what-{user}-shows-to-the-brokers"


def secured(authority: Authority, users: Iterable[str]) -> BrokerSecurity:
    """Brokers that take TLS and SCRAM only, let nobody do what no ACL allows, and know these users."""
    properties = _PROPERTIES.format(
        login=_LOGIN, password=password(BROKER), keystore=authority.keystore(BROKER), truststore=authority.file
    )
    scram = (f"{MECHANISM}=[name={user},password={password(user)}]" for user in (ADMIN, BROKER, *users))
    return BrokerSecurity("SASL_SSL", properties, tuple(a for user in scram for a in ("--add-scram", user)))


def settings_of(user: str, authority: Authority) -> dict[str, str]:
    return {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SSL_CA_FILE": str(authority.file),
        "KAFKA_SASL_MECHANISM": MECHANISM,
        "KAFKA_SASL_USERNAME": user,
        "KAFKA_SASL_PASSWORD": password(user),
    }


@contextlib.contextmanager
def running(
    path: Path, authority: Authority, sources: Mapping[str, Any], settings: Mapping[str, str] | None = None
) -> Iterator[RunningStack]:
    """All services on three brokers, each as a principal of its own, with these sources of signals and settings.

    The tests' own clients are those of the super user, so that what stops an attack is not an ACL.
    """
    configured = {"SIGNAL_SOURCES": orjson.dumps(sources).decode()} if sources else {}
    wishes = Wishes(
        brokers=3,
        ports={"gateway": 0},
        environment={"RATE_LIMIT_PER_MINUTE": str(PLENTY), **WEBHOOKS, **(settings or {}), **configured},
        own_environment={service: settings_of(service, authority) for service in SERVICES},
        security=secured(authority, (*SERVICES, OPERATOR, WORKER, BACKUP, RESTORE, *(sources or [SOURCE]))),
    )
    folder = Folder(path)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings_of(ADMIN, authority).items():
            patch.setenv(name, value)
        started = _in_a_thread(lambda: stack.up(folder, wishes, ("infrastructure",), report=lambda _: None))
        try:
            servers = started.plan.addresses.kafka_bootstrap_servers
            for _ in range(2):  # they may be applied again
                _in_a_thread(lambda: asyncio.run(give_rights(servers, configured)))
            _in_a_thread(lambda: stack.up(folder, wishes, report=lambda _: None))
            yield RunningStack(folder, started.plan, "hera")
        finally:
            stack.down(folder)


async def give_rights(bootstrap_servers: str, environment: Mapping[str, str]) -> None:
    """Applies all rights, as the super user that the environment names."""
    await apply(read_kafka_settings(os.environ, bootstrap_servers), acls(environment))


def _in_a_thread(work: Callable[[], T]) -> T:
    """Both start event loops of their own, which a thread with a running one does not allow."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()
