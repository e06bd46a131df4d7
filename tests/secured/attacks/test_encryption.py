"""Ciphertext that is sent back, and the search for clear text in every store, topic and log."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from contracts.topics import SIGNALS
from shared.ids import new_id
from tests.e2e.office import Office
from tests.e2e.test_encryption import (
    Clinic,
    test_ciphertext_out_of_evidence_is_opened_under_no_other_name,
    test_the_clear_text_stands_in_no_store_no_topic_and_no_log,
)
from tests.e2e.test_other_producers import signed
from tests.kafka import client_options
from tests.running_stack import RunningStack

__all__ = [
    "test_ciphertext_out_of_evidence_is_opened_under_no_other_name",
    "test_the_clear_text_stands_in_no_store_no_topic_and_no_log",
]


class SigningClinic(Clinic):
    """Its signals are those of a source, as this stack refuses others."""

    async def signals(self, **signal: Any) -> None:
        message = {"organization_id": self.office.organization_id, "run_id": self.run_id, "signal": signal}
        message["signal_id"] = new_id("sig")
        await self.writes(SIGNALS.name, message, headers=signed(message))


@pytest_asyncio.fixture(loop_scope="session")
async def clinic(stack: RunningStack) -> AsyncIterator[Clinic]:
    async with (
        AIOKafkaProducer(**client_options(stack.bootstrap_servers)) as producer,
        httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False, timeout=30) as http,
    ):
        yield SigningClinic(stack, Office(stack, http), producer)
