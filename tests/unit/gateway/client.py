"""The gateway's own application, without Kafka and without the services behind it, and tokens for it."""

import contextlib
from collections.abc import AsyncIterator

import httpx

from deploy.local.tokens import ORGANIZATION, PERMISSIONS, make_token
from services.gateway.main import build
from services.gateway.settings import GatewaySettings
from tests.infrastructure import SERVICE_TOKEN

SECRET = "a secret of at least thirty-two bytes"
NOWHERE = "http://127.0.0.1:1"
"""Nothing listens there."""


def settings(**changes: object) -> GatewaySettings:
    given = {
        "mongodb_uri": "mongodb://127.0.0.1:1/?replicaSet=rs0",
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "jwt_secret": SECRET,
        "service_token": SERVICE_TOKEN,
        "registry_url": NOWHERE,
        "run_engine_url": NOWHERE,
        "timeline_url": NOWHERE,
        "analytics_url": NOWHERE,
        "notifier_url": NOWHERE,
        "rate_limit_per_minute": 0,
        **changes,
    }
    return GatewaySettings.model_validate(given)


def authorization(**claims: object) -> dict[str, str]:
    given = {"permissions": PERMISSIONS, "organization_id": ORGANIZATION, **claims}
    return {"Authorization": f"Bearer {make_token(SECRET, **given)}"}  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def gateway(**changes: object) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build(settings(**changes)).app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=authorization()) as client:
        yield client
