"""The users of a MongoDB that demands authentication: root, and the services' own, who may use their databases only."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

ROOT = "root"
USER = "hera"
SERVICES = ("gateway", "playbook_registry", "run_engine", "timeline", "analytics", "automation", "notifier")
_LOOPBACK = "127.0.0.1"
_UNAUTHORIZED, _AUTHENTICATION_FAILED, _USER_EXISTS = 13, 18, 51003
Client = MongoClient[dict[str, Any]]
TOPICS = "topics"
"""The topics job, which reads whether there is data of an earlier log (deploy/lost_log.py)."""
_READ_BY_TOPICS = ("run_engine", "playbook_registry")


class MongoDBUsersError(Exception):
    """A sentence that says which password is wrong, or that there was no primary in time."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """The users that there shall be. `x509`: subjects of certificates, by service; `tls`: PyMongo's own options."""

    root_password: str
    password: str
    prefix: str
    x509: Mapping[str, str] = field(default_factory=dict)
    tls: Mapping[str, Any] = field(default_factory=dict)


def x509_users(text: str) -> dict[str, str]:
    """Reads MONGODB_X509_USERS. Raises MongoDBUsersError where it is no object of services and subjects."""
    known = {*SERVICES, TOPICS}
    try:
        users = json.loads(text)
        if not all(isinstance(subject, str) and "=" in subject for subject in users.values()):
            raise ValueError
    except (ValueError, AttributeError):
        raise MongoDBUsersError(
            'MONGODB_X509_USERS must be a JSON object, service → subject, such as {"gateway": "CN=gateway,O=hera"}.'
        ) from None
    if unknown := sorted(set(users) - known):
        raise MongoDBUsersError(
            f"MONGODB_X509_USERS names {', '.join(unknown)}, expected some of {', '.join(sorted(known))}."
        )
    return dict(users)


def initiate_with_users(name: str, hosts: Sequence[str], wanted: SetUp, waited_seconds: float) -> None:
    """Makes the replica set, if there is none, and the users, and sets the password of the services' user.

    It must run where mongod's port is on the loopback interface: only from there does MongoDB let somebody without
    authentication make a replica set and the first user, which it does also where data was written before it had any.
    """
    port = int(hosts[0].rpartition(":")[2])
    with _client(port, waited_seconds, wanted) as anybody:
        _initiate(anybody, name, hosts)
        _wait_until_primary(anybody, waited_seconds)
        if not _is_root(port, wanted, waited_seconds):
            _create_root(anybody, wanted.root_password)
    with _client(port, waited_seconds, wanted, ROOT) as root:
        roles = [role for service in SERVICES for role in _roles(service, wanted.prefix)]
        _put_user(root.admin, USER, {"pwd": wanted.password, "roles": roles})
        for service, subject in wanted.x509.items():
            _put_user(root["$external"], subject, {"roles": _roles(service, wanted.prefix)})


def _roles(service: str, prefix: str) -> list[dict[str, str]]:
    """Returns what a service may do: everything with its own database, and nothing else."""
    if service == TOPICS:
        return [{"role": "read", "db": f"{prefix}_{read}"} for read in _READ_BY_TOPICS]
    return [{"role": "readWrite", "db": f"{prefix}_{service}"}]


def _client(port: int, waited_seconds: float, wanted: SetUp, user: str | None = None) -> Client:
    """Returns a client of the server on the loopback interface; without a user it is nobody."""
    password = wanted.root_password if user else None
    options: dict[str, Any] = {"directConnection": True, "serverSelectionTimeoutMS": int(waited_seconds * 1000)}
    if wanted.tls:  # the certificate names the server as others know it, not the loopback interface
        options |= {**wanted.tls, "tlsAllowInvalidHostnames": True}
    return MongoClient(_LOOPBACK, port, username=user, password=password, **options)


def _initiate(anybody: Client, name: str, hosts: Sequence[str]) -> None:
    if "setName" in anybody.admin.command("hello"):
        return
    members = [{"_id": number, "host": address} for number, address in enumerate(hosts)]
    anybody.admin.command("replSetInitiate", {"_id": name, "members": members})


def _wait_until_primary(anybody: Client, waited_seconds: float) -> None:
    deadline = time.monotonic() + waited_seconds
    while not anybody.admin.command("hello").get("isWritablePrimary"):
        if time.monotonic() > deadline:
            raise MongoDBUsersError(f"MongoDB had no primary here within {waited_seconds:.0f} s.")
        time.sleep(0.1)


def _is_root(port: int, wanted: SetUp, waited_seconds: float) -> bool:
    try:
        with _client(port, waited_seconds, wanted, ROOT) as root:
            root.admin.command("ping")
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            return False
        raise
    return True


def _create_root(anybody: Client, root_password: str) -> None:
    try:
        anybody.admin.command("createUser", ROOT, pwd=root_password, roles=["root"])
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        sentence = f"The user {ROOT} of MongoDB has another password than MONGODB_ROOT_PASSWORD: set that one."
        raise MongoDBUsersError(sentence) from None


def _put_user(users: Database[dict[str, Any]], name: str, user: Mapping[str, Any]) -> None:
    try:
        users.command("createUser", name, **user)
    except OperationFailure as error:
        if error.code != _USER_EXISTS:
            raise
        users.command("updateUser", name, **user)
