"""Makes a replica set of the servers of MONGODB_URI and waits for its primary: `python -m deploy.replica_set`.

With MONGODB_ROOT_PASSWORD and MONGODB_PASSWORD set, it makes the users too, for a MongoDB that demands authentication;
MONGODB_X509_USERS, a JSON object of services and the subjects of their certificates, names users who have no password.
"""

import os
import sys
from collections.abc import Mapping, Sequence

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from deploy.mongodb_users import MongoDBUsersError, SetUp, initiate_with_users, x509_users
from shared.mongo_connection import MongoConnection, MongoConnectionError, connection_of, explain_refusal

WAITED_SECONDS = 120.0
_ALREADY_INITIALIZED = 23


class ReplicaSetError(Exception):
    """A sentence that says what is wrong with the address."""


def initiate(environment: Mapping[str, str], waited_seconds: float = WAITED_SECONDS) -> str:
    """Returns the primary's address. A replica set that is there already is left as it is.

    Raises KeyError for a variable that is missing, ReplicaSetError, MongoConnectionError or MongoDBUsersError for one
    that is wrong.
    """
    mongodb = connection_of(environment)
    name, hosts = _parse(mongodb.mongodb_uri)
    waited_ms = int(waited_seconds * 1000)
    if root_password := environment.get("MONGODB_ROOT_PASSWORD"):
        prefix = environment.get("DATABASE_PREFIX") or "hera"
        users = x509_users(environment.get("MONGODB_X509_USERS") or "{}")
        set_up = SetUp(root_password, environment["MONGODB_PASSWORD"], prefix, users, mongodb.tls_options())
        initiate_with_users(name, hosts, set_up, waited_seconds)
    else:
        _create(name, hosts, waited_ms, mongodb)
    with MongoClient[dict[str, object]](
        mongodb.mongodb_uri, serverSelectionTimeoutMS=waited_ms, **mongodb.options()
    ) as client:
        return str(client.admin.command("hello")["primary"])


def _parse(uri: str) -> tuple[str, Sequence[str]]:
    try:
        parsed = parse_uri(uri)
    except (InvalidURI, ConfigurationError) as error:
        raise ReplicaSetError(f"MONGODB_URI is no address of a replica set: {error}") from error
    name = parsed["options"].get("replicaSet")
    if not name:
        raise ReplicaSetError("MONGODB_URI names no replicaSet")
    return name, [f"{host}:{port}" for host, port in parsed["nodelist"]]


def _create(name: str, hosts: Sequence[str], waited_ms: int, mongodb: MongoConnection) -> None:
    host, _, port = hosts[0].rpartition(":")
    members = [{"_id": number, "host": address} for number, address in enumerate(hosts)]
    with MongoClient[dict[str, object]](
        host, int(port), directConnection=True, serverSelectionTimeoutMS=waited_ms, **mongodb.tls_options()
    ) as client:
        try:
            client.admin.command("replSetInitiate", {"_id": name, "members": members})
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:
                raise


def main() -> int:
    try:
        primary = initiate(os.environ)
    except KeyError as error:
        print(f"{error.args[0]} is not set.", file=sys.stderr)
        return 2
    except (ReplicaSetError, MongoConnectionError, MongoDBUsersError, PyMongoError) as error:
        print(explain_refusal(error) or error, file=sys.stderr)
        return 1
    print(f"The replica set's primary is {primary}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
