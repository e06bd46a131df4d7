"""Makes the local mongod a replica set of one, and waits for it."""

from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local.mongodb import REPLICA_SET
from deploy.local.ports import HOST
from deploy.local.waiting import until

NOT_YET_INITIALIZED = 94
Client = AsyncMongoClient[dict[str, Any]]


async def until_writable(port: int) -> None:
    """Waits, without a limit of its own, until mongod takes writes; makes the replica set if there is none."""
    client: Client = AsyncMongoClient(HOST, port, directConnection=True, serverSelectionTimeoutMS=500)
    try:
        await until(lambda: _writable(client, port))
    finally:
        await client.close()


async def _writable(client: Client, port: int) -> bool:
    try:
        if (await client.admin.command("hello")).get("isWritablePrimary"):
            return True
        await _make_member(client, f"{HOST}:{port}")
    except PyMongoError:
        return False
    return False


async def _make_member(client: Client, address: str) -> None:
    """Creates the replica set, or moves it to this address when the port has changed since the last start."""
    try:
        config = (await client.admin.command("replSetGetConfig"))["config"]
    except OperationFailure as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
        members = [{"_id": 0, "host": address}]
        await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return
    if config["members"][0]["host"] != address:
        config["members"][0]["host"] = address
        config["version"] += 1
        await client.admin.command("replSetReconfig", config, force=True)
