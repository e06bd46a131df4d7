"""The users of a MongoDB that demands authentication: root, and the services' own, who may use their databases only."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

ROOT = "root"
USER = "hera"
SERVICES = ("gateway", "playbook_registry", "run_engine", "timeline", "analytics", "automation", "notifier")
_LOOPBACK = "127.0.0.1"
_UNAUTHORIZED, _AUTHENTICATION_FAILED, _USER_EXISTS = 13, 18, 51003
Client = MongoClient[dict[str, Any]]


class MongoDBUsersError(Exception):
    """A sentence that says which password is wrong, or that there was no primary in time."""


def initiate_with_users(
    name: str, hosts: Sequence[str], root_password: str, password: str, prefix: str, waited_seconds: float
) -> None:
    """Makes the replica set, if there is none, and the users, and sets the password of the services' user.

    It must run where mongod's port is on the loopback interface: only from there does MongoDB let somebody without
    authentication make a replica set and the first user, which it does also where data was written before it had any.
    """
    port = int(hosts[0].rpartition(":")[2])
    with _client(port, waited_seconds) as anybody:
        _initiate(anybody, name, hosts)
        _wait_until_primary(anybody, waited_seconds)
        if not _is_root(port, root_password, waited_seconds):
            _create_root(anybody, root_password)
    with _client(port, waited_seconds, ROOT, root_password) as root:
        roles = [{"role": "readWrite", "db": f"{prefix}_{service}"} for service in SERVICES]
        _put_user(root, {"pwd": password, "roles": roles})


def _client(port: int, waited_seconds: float, user: str | None = None, password: str | None = None) -> Client:
    """Returns a client of the server on the loopback interface; without a user it is nobody."""
    waited_ms = int(waited_seconds * 1000)
    return MongoClient(
        _LOOPBACK, port, username=user, password=password, directConnection=True, serverSelectionTimeoutMS=waited_ms
    )


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


def _is_root(port: int, root_password: str, waited_seconds: float) -> bool:
    try:
        with _client(port, waited_seconds, ROOT, root_password) as root:
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


def _put_user(root: Client, user: Mapping[str, Any]) -> None:
    try:
        root.admin.command("createUser", USER, **user)
    except OperationFailure as error:
        if error.code != _USER_EXISTS:
            raise
        root.admin.command("updateUser", USER, **user)
