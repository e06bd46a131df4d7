"""Kafka: the one place where FastStream's and aiokafka's settings are chosen."""

from shared.kafka.connections import guard_connections
from shared.kafka.consumers import INFRASTRUCTURE, Batch, Consumers, Consumption
from shared.kafka.fetchers import guard_fetchers
from shared.kafka.finishing import Finish
from shared.kafka.newer import NewerMessages
from shared.kafka.pace import Pace
from shared.kafka.parking import Parking, SetsAside
from shared.kafka.progress import GroupProgress
from shared.kafka.publisher import Publisher
from shared.kafka.replay import Replay
from shared.kafka.screened import ScreenedConsumer

__all__ = [
    "INFRASTRUCTURE",
    "Batch",
    "Consumers",
    "Consumption",
    "Finish",
    "GroupProgress",
    "NewerMessages",
    "Pace",
    "Parking",
    "Publisher",
    "Replay",
    "ScreenedConsumer",
    "SetsAside",
]

guard_connections()
guard_fetchers()
