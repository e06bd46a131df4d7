"""Offsets that MongoDB's documents name: analytics keeps how far it has taken each log into its summaries."""

from deploy.backup.connections import database, mongodb
from deploy.backup.kafka import Moved
from shared.settings import ServiceSettings


async def move_positions(settings: ServiceSettings, moved: Moved) -> None:
    """Moves them with the records: analytics waits for its positions to come to the ends of the logs."""
    client = mongodb(settings)
    try:
        positions = database(client, settings, "analytics", raw=False)["positions"]
        async for document in positions.find({}):
            place = document["_id"]
            offset = moved.of(place["topic"], place["partition"], document["offset"])
            await positions.update_one({"_id": place}, {"$set": {"offset": offset}})
    finally:
        await client.close()
