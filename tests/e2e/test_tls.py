"""The whole stack over TLS, between its services and to MongoDB; and who stays outside."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from deploy.local import stack
from deploy.local.folder import Folder
from deploy.local.plan import GATEWAY_METRICS, SERVICES, Wishes
from deploy.local.ports import HOST
from deploy.replica_set import initiate
from tests.e2e.clients import tasks_in_a_row
from tests.e2e.office import Office
from tests.mongod import WAITED_SECONDS, Mongod
from tests.pki import Authority
from tests.running_stack import RunningStack


class Site:
    def __init__(self, folder: Path) -> None:
        self.authority, self.strangers = Authority(folder / "pki"), Authority(folder / "strangers", "strangers")
        self.mongod = Mongod(folder, self.authority)
        self.own = self.authority.issue("services")
        self.shown = folder / "shown.crt", folder / "shown.key"
        self.show(self.own.certificate, self.own.key)

    def show(self, certificate: Path, key: Path) -> None:
        for source, target in zip((certificate, key), self.shown, strict=True):
            shutil.copy(source, target)

    def environment(self) -> dict[str, str]:
        certificate, key = map(str, self.shown)
        tls = {"SERVICE_TLS_CA_FILE": str(self.authority.file), "SERVICE_TLS_CERTIFICATE_FILE": certificate}
        mongo = {
            "MONGODB_TLS_CA_FILE": str(self.authority.file),
            "MONGODB_TLS_CERTIFICATE_KEY_FILE": str(self.own.both),
        }
        return tls | mongo | {"SERVICE_TLS_KEY_FILE": key, "RATE_LIMIT_PER_MINUTE": "1000000"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, RunningStack]]:
    path = tmp_path_factory.mktemp("tls")
    made, folder = Site(path), Folder(path / "stack")
    with made.mongod.running():
        initiate(made.mongod.environment() | made.environment(), WAITED_SECONDS)
        uri = made.mongod.environment()["MONGODB_URI"]
        wishes = Wishes(ports={"gateway": 0}, mongodb_uri=uri, environment=made.environment())
        started = stack.up(folder, wishes, report=lambda _: None)
        try:
            yield made, RunningStack(folder, started.plan, "hera")
        finally:
            stack.down(folder)


@pytest_asyncio.fixture(loop_scope="session")
async def office(site: tuple[Site, RunningStack]) -> AsyncIterator[Office]:
    async with httpx.AsyncClient(base_url=site[1].gateway_url, timeout=30, trust_env=False) as http:
        yield Office(site[1], http)


async def test_a_run_goes_from_its_start_to_its_timeline(office: Office) -> None:
    run_id = await office.run(await office.playbook(*tasks_in_a_row(1)["steps"]))
    worker = office.user("starter")
    path = f"/playbook-runs/{run_id}"
    await worker.data("POST", f"{path}/steps/step_001/complete", {"completion": {"outcome": "success"}})
    assert (await worker.data("GET", path))["status"] == "completed"
    assert (await worker.data("GET", f"{path}/timeline"))["timeline"]


def test_no_service_answers_plain_http_or_shows_a_certificate_by_another_authority(
    site: tuple[Site, RunningStack],
) -> None:
    made, running = site
    ports = [running.plan.ports[name] for name in (*SERVICES, GATEWAY_METRICS) if name != "gateway"]
    for port in ports:
        path = "/metrics" if port == running.plan.ports[GATEWAY_METRICS] else "/health/ready"
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://{HOST}:{port}{path}", trust_env=False)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"https://{HOST}:{port}{path}", verify=_trusting(made.strangers), trust_env=False)
        answer = httpx.get(f"https://{HOST}:{port}{path}", verify=_trusting(made.authority), trust_env=False)
        assert answer.status_code == 200


def test_tls_alone_opens_nothing_without_the_token(site: tuple[Site, RunningStack]) -> None:
    made, running = site
    url = f"https://{HOST}:{running.plan.ports['run_engine']}/internal/runs/run_1/head"
    assert httpx.get(url, verify=_trusting(made.authority), trust_env=False).status_code == 401


def _trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


async def test_the_gateway_takes_no_answer_of_who_has_a_certificate_by_another_authority(
    site: tuple[Site, RunningStack], office: Office
) -> None:
    """The last test: the timeline is started again with a stranger's certificate."""
    made, running = site
    run_id = await office.run(await office.playbook(*tasks_in_a_row(1)["steps"]))
    path = f"/playbook-runs/{run_id}/timeline"
    stranger = made.strangers.issue("timeline")
    made.show(stranger.certificate, stranger.key)
    await running.kill_and_wait("timeline")
    refused = await office.user("reader").error("GET", path)
    assert refused["status"] == 503 and "no authority of SERVICE_TLS_CA_FILE" in refused["message"]
    made.show(made.own.certificate, made.own.key)
    await running.kill_and_wait("timeline")
    async with asyncio.timeout(20):
        assert (await office.user("reader").ask("GET", path)).status_code == 200
