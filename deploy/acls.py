"""Gives each principal of Kafka its rights: `python -m deploy.acls`, as one who may alter the cluster's ACLs.

It may run again at any time: a right that exists stays. `--commands` prints them for Kafka's own kafka-acls.sh.
"""

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import CreateAclsRequest

from contracts.topics import REGISTRY_COMMANDS, RUN_COMMANDS, SIGNALS, SIGNALS_OUTCOMES, SIGNALS_REJECTED, TOPICS, Topic
from deploy.topics import TopicsError, signal_sources, source_topics
from shared.kafka_settings import KafkaSettings, KafkaSettingsError, connection_options, read_kafka_settings

OPERATOR, WORKER, SOURCE = "operator", "worker", "source"
"""Principals that are not services. `source` stands for other systems while SIGNAL_SOURCES names none."""
BACKUP, RESTORE = "backup", "restore"
"""Principals of `deploy.backup`, which reads everything, and of `deploy.restore`, which may write everything."""
OUTSIDE = {"operators": OPERATOR, "external workers": WORKER}
ANY = "*"
Resource = Literal["topic", "group", "transactional-id", "cluster"]
Operation = Literal["Read", "Write", "Create", "Delete", "Describe", "DescribeConfigs", "AlterConfigs"]
_RESOURCES: dict[Resource, int] = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
_OPERATIONS: dict[Operation, int] = {
    "Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Describe": 8, "DescribeConfigs": 10, "AlterConfigs": 11,
}  # fmt: skip
_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3


class AclsError(Exception):
    """A sentence that says which right the broker refuses to give."""


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One right of one principal. Read and Write contain Describe."""

    principal: str
    resource: Resource
    name: str
    operation: Operation
    prefixed: bool = False

    def command(self) -> str:
        """Returns it as arguments of kafka-acls.sh."""
        pattern = " --resource-pattern-type prefixed" if self.prefixed else ""
        return (
            f"--add --force --allow-principal 'User:{self.principal}' --operation {self.operation} "
            f"--{self.resource} '{self.name}'{pattern}"
        )

    def request(self) -> CreateAclsRequest:
        pattern = _PREFIXED if self.prefixed else _LITERAL
        kind, operation = _RESOURCES[self.resource], _OPERATIONS[self.operation]
        return CreateAclsRequest(kind, self.name, pattern, f"User:{self.principal}", ANY, operation, _ALLOW)


def acls(environment: Mapping[str, str]) -> list[Acl]:
    """Returns all rights of an installation: by the writers and readers of its topics, and by SIGNAL_SOURCES.

    Raises:
        TopicsError: SIGNAL_SOURCES is no JSON object of sources, or names a source as another principal is named.
    """
    sources = signal_sources(environment)
    _require_names_of_their_own(sources)
    found = [right for topic in TOPICS for right in _of_topic(topic)]
    found += [Acl(reader, "topic", t.name, "Read") for t in source_topics(environment) for reader in t.readers]
    readers = {right.principal for right in found if right.operation == "Read"} - {OPERATOR}
    found += [Acl(reader, "group", f"{reader}.", "Read", prefixed=True) for reader in readers]
    found += [right for name, topic in (sources or {SOURCE: SIGNALS.name}).items() for right in _of_source(name, topic)]
    return sorted({*found, *_beside_the_topics(), *_of_backups()})


def _require_names_of_their_own(sources: Iterable[str]) -> None:
    """A source is known to Kafka by its name: under a service's name it would have the rights of both."""
    others = {OUTSIDE.get(name, name) for topic in TOPICS for name in (*topic.writers, *topic.readers)}
    taken = sorted({*others, BACKUP, RESTORE} & set(sources))
    if taken:
        raise TopicsError(
            f"SIGNAL_SOURCES names {' and '.join(taken)}, which is a principal with rights of its own: give the source "
            "another name, there and to its user."
        )


def _of_backups() -> list[Acl]:
    """A backup reads records, offsets and who is a member of a group; to set a group's offsets is Read for Kafka."""
    return [
        Acl(BACKUP, "topic", ANY, "Read"),
        Acl(BACKUP, "group", ANY, "Describe"),
        *(
            Acl(RESTORE, "topic", ANY, o)
            for o in ("Create", "Delete", "Read", "Write", "DescribeConfigs", "AlterConfigs")
        ),
        Acl(RESTORE, "group", ANY, "Read"),
    ]


def _of_topic(topic: Topic) -> list[Acl]:
    """The rights of services, workers and operators; those of other systems are their sources'."""
    writers = [OUTSIDE.get(name, name) for name in topic.writers if name != "other systems"]
    readers = [OUTSIDE.get(name, name) for name in topic.readers if name != "other systems"]
    return [Acl(name, "topic", topic.name, "Write") for name in writers] + [
        Acl(name, "topic", topic.name, "Read") for name in readers
    ]


def _of_source(name: str, topic: str) -> list[Acl]:
    return [
        Acl(name, "topic", topic, "Write"),
        Acl(name, "topic", SIGNALS_OUTCOMES.name, "Read"),
        Acl(name, "topic", SIGNALS_REJECTED.name, "Read"),
        Acl(name, "group", f"{name}.", "Read", prefixed=True),
        Acl(name, "transactional-id", f"{name}.", "Write", prefixed=True),
    ]


def _beside_the_topics() -> list[Acl]:
    """What writers and readers don't tell: who looks how far another service has come, and what the tools do."""
    looked_at = [
        (topic, topic.group(reader)) for topic in (RUN_COMMANDS, REGISTRY_COMMANDS) for reader in topic.readers
    ]
    return [
        *(Acl("analytics", "topic", topic.name, "Describe") for topic, _ in looked_at),
        *(Acl("analytics", "group", group, "Describe") for _, group in looked_at),
        Acl("run_engine", "topic", RUN_COMMANDS.parked, "Read"),  # incidents are released from there
        *(Acl(OPERATOR, "topic", ANY, o) for o in ("Create", "Describe", "DescribeConfigs", "AlterConfigs")),
        Acl(OPERATOR, "group", ANY, "Describe"),
    ]


async def apply(settings: KafkaSettings, wanted: Iterable[Acl]) -> int:
    """Gives the rights and returns how many there are. Raises AclsError, or KafkaError where no broker answers."""
    client = AIOKafkaAdminClient(**connection_options(settings))
    given = 0
    try:
        await client.start()
        for acl in wanted:
            response = await client._send_request(acl.request())
            for code, message in response.creation_responses:
                if code:
                    raise AclsError(f"The broker refused {acl.command()}: {for_code(code).__name__} {message or ''}")
            given += 1
    finally:
        await client.close()
    return given


def commands(wanted: Iterable[Acl]) -> str:
    """Returns a script of them that runs in the image apache/kafka."""
    lines = [f"acls {acl.command()}" for acl in wanted]
    return "\n".join([*_HEAD, *lines, ""])


_HEAD = (
    "#!/bin/sh",
    "# The rights of each principal, made of contracts/topics.py by `make schemas`. With SIGNAL_SOURCES, or",
    "# to apply them faster: python -m deploy.acls. docs/kafka-security.md says more.",
    "#   BOOTSTRAP_SERVERS=kafka:9092 COMMAND_CONFIG=admin.properties sh deploy/kafka-acls.sh",
    "set -eu",
    'acls() { "${KAFKA_HOME:-/opt/kafka}/bin/kafka-acls.sh" --bootstrap-server "$BOOTSTRAP_SERVERS" '
    '--command-config "$COMMAND_CONFIG" "$@"; }',
)


def main(arguments: Sequence[str]) -> int:
    try:
        wanted = acls(os.environ)
        if arguments == ["--commands"]:
            print(commands(wanted), end="")
            return 0
        given = asyncio.run(apply(read_kafka_settings(os.environ), wanted))
    except (TopicsError, AclsError, KafkaSettingsError, KafkaError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given} rights of {len({acl.principal for acl in wanted})} principals are in place.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
