"""What anybody on the network can do at the gateway's port before a token is looked at."""

import asyncio
import json
from urllib.parse import urlsplit

import httpx

from deploy.local.plan import GATEWAY_METRICS
from deploy.local.ports import HOST
from deploy.local.tokens import ORGANIZATION
from tests.e2e.clients import tasks_in_a_row
from tests.running_stack import RunningStack

H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAA\r\n"
WEBSOCKET = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNA==\r\n"


async def exchange(stack: RunningStack, sent: bytes) -> tuple[int, dict[str, object]]:
    """Sends the bytes on a connection of their own; status and body of the response."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(HOST, urlsplit(stack.gateway_url).port)
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        writer.close()
    return int(head.split(b" ")[1]), body


async def test_a_post_that_offers_an_upgrade_is_answered(stack: RunningStack) -> None:
    for offer in (H2C, WEBSOCKET):
        body = json.dumps({"organization_id": ORGANIZATION, "playbook": tasks_in_a_row(1)})
        head = (
            "POST /api/v1/playbooks HTTP/1.1\r\nHost: hera\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {stack.token(ORGANIZATION)}\r\nContent-Length: {len(body)}\r\n{offer}\r\n"
        )
        status, answer = await exchange(stack, (head + body).encode())
        assert (status, answer["success"]) == (201, True), answer


async def test_headers_without_end_are_refused(stack: RunningStack) -> None:
    for headers in ("".join(f"X-{n}: 1\r\n" for n in range(5000)), f"X: {'x' * 1024 * 1024}\r\n"):
        status, answer = await exchange(stack, f"GET /api/v1/playbooks HTTP/1.1\r\n{headers}\r\n".encode())
        assert (status, answer["success"]) == (431, False)


async def test_metrics_are_on_a_port_of_their_own(stack: RunningStack) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        public = await http.get(f"{stack.gateway_url}/metrics")
        assert (public.status_code, public.json()["error"]["code"]) == (404, "NOT_FOUND")
        own = f"http://{HOST}:{stack.plan.ports[GATEWAY_METRICS]}"
        page = await http.get(f"{own}/metrics")
        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/plain")
        assert "hera_http_request_seconds_count" in page.text
        assert (await http.get(f"{own}/api/v1/playbooks")).status_code == 404


async def test_a_401_says_how_to_authenticate(stack: RunningStack) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=stack.gateway_url) as http:
        for token in ("", "Bearer x", f"Bearer {stack.token(ORGANIZATION, subject='')}"):
            refused = await http.get("/api/v1/playbooks", headers={"Authorization": token})
            assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
