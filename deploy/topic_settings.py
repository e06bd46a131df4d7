"""Brings settings of topics that exist already up to date: those without which a topic is not safe to read."""

from collections.abc import Iterable
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from contracts.topics import Topic

SET_ON_THE_TOPIC = 1
"""The source of a value in Kafka's protocol: the topic's own settings, not the broker's or Kafka's defaults."""


class TopicSettingsError(Exception):
    """A sentence that says which topic's settings the broker refused to show or to change."""


def required_settings(topic: Topic) -> dict[str, str]:
    """Returns the settings that a topic must have whenever it was created.

    The broker decompresses what others write to a public topic. Its own limit for a batch then counts what readers hold
    in memory, and readers need no codec.
    """
    return {"compression.type": "uncompressed"} if topic.public else {}


async def update_settings(client: AIOKafkaAdminClient, topics: Iterable[Topic]) -> list[str]:
    """Applies the required settings to topics that lack them, and returns their names. All other settings stay.

    Raises:
        TopicSettingsError: The broker refuses.
    """
    required = {topic.name: required_settings(topic) for topic in topics}
    outdated = {name: wanted for name, wanted in required.items() if wanted}
    if not outdated:
        return []
    own = await _own_settings(client, outdated)
    outdated = {name: wanted for name, wanted in outdated.items() if not wanted.items() <= own[name].items()}
    # A request replaces all settings of a topic, so it repeats those that stay.
    resources = [_resource(name, own[name] | wanted) for name, wanted in outdated.items()]
    for response in await client.alter_configs(resources) if resources else []:
        for code, message, _, name in response.resources:
            _check(code, message, name, "changed")
    return sorted(outdated)


async def _own_settings(client: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for response in await client.describe_configs([_resource(name) for name in names]):
        for code, message, _, name, entries in response.resources:
            _check(code, message, name, "read")
            found[name] = {entry[0]: entry[1] for entry in entries if entry[3] == SET_ON_THE_TOPIC}
    return found


def _resource(name: str, settings: dict[str, str] | None = None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name, settings)


def _check(code: int, message: Any, name: str, what: str) -> None:
    if code:
        raise TopicSettingsError(f"The settings of topic {name} can't be {what}: {for_code(code).__name__} {message}")
