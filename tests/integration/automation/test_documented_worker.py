"""The programs of docs/workers.md, run as they stand there."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from tests.infrastructure import Infrastructure
from tests.integration.automation.conftest import WITHOUT_BASE, Bench, job, job_message

PAGE = Path(__file__).parents[3] / "docs" / "workers.md"


def programs() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@contextlib.asynccontextmanager
async def at_work(program: str, folder: Path, infrastructure: Infrastructure) -> AsyncIterator[None]:
    path = folder / "worker.py"
    path.write_text(program)
    settings = os.environ | {"KAFKA_BOOTSTRAP_SERVERS": infrastructure.bootstrap_servers}
    worker = await asyncio.create_subprocess_exec(sys.executable, path, env=settings)
    try:
        yield
    finally:
        worker.kill()
        await worker.wait()


async def test_the_worker_of_the_documentation_works(
    bench: Bench, infrastructure: Infrastructure, tmp_path: Path
) -> None:
    wanted = job("/contracts", WITHOUT_BASE)
    async with at_work(programs()[0], tmp_path, infrastructure):
        await bench.publish(job_message(wanted))
        result = await bench.result_of(wanted)
    assert result["data"]["outcome"] == "success"
    assert result["data"]["data"] == {"contract_id": f"contract-{wanted.run_id}"}
    assert result["data"]["worker"] == "contract-worker"


async def test_the_worker_of_the_documentation_tells_of_its_faults(
    bench: Bench, infrastructure: Infrastructure, tmp_path: Path
) -> None:
    wanted = job(None)
    faulty = programs()[0].replace("    return {", "    raise ValueError('no template')\n    return {")
    async with at_work(faulty.replace('"contract-worker"', '"faulty"'), tmp_path, infrastructure):
        await bench.publish(job_message(wanted))
        told = (await bench.result_of(wanted))["data"]
    assert (told["outcome"], told["error"], told["retryable"]) == ("failure", "no template", True)


async def test_heartbeats_as_in_the_documentation_begin_a_lease(
    bench: Bench, infrastructure: Infrastructure, tmp_path: Path
) -> None:
    worker, beating = programs()
    wanted = job(None)
    takes_long = f"async def work(job):\n    await asyncio.sleep(job['run_id'] == '{wanted.run_id}')\n"
    program = (
        worker.replace("await work(job)", "await work_with_heartbeats(job, producer)")
        .replace("async def work(job):\n", takes_long)
        .replace("async def answer", f"{beating}\nasync def answer")
        .replace('"contract-worker"', '"slow"')
    )
    async with at_work(program, tmp_path, infrastructure):
        await bench.publish(job_message(wanted))
        result = await bench.result_of(wanted)
    assert (result["data"]["outcome"], result["data"]["worker"]) == ("success", "slow")
    document = await bench.jobs.find_one({"_id": wanted.job_id})
    assert document["lease_until"] < document["stored_at"] + timedelta(hours=1), "its heartbeat began a lease"
