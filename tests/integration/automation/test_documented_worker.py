"""The worker of docs/workers.md, run as it stands there."""

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.infrastructure import Infrastructure
from tests.integration.automation.conftest import WITHOUT_BASE, Bench, job, job_message

PAGE = Path(__file__).parents[3] / "docs" / "workers.md"


async def test_the_worker_of_the_documentation_works(
    bench: Bench, infrastructure: Infrastructure, tmp_path: Path
) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    program = tmp_path / "worker.py"
    program.write_text(found[1])
    worker = await asyncio.create_subprocess_exec(
        sys.executable, program, env=os.environ | {"KAFKA_BOOTSTRAP_SERVERS": infrastructure.bootstrap_servers}
    )
    try:
        wanted = job("/contracts", WITHOUT_BASE)
        await bench.publish(job_message(wanted))
        result = await bench.result_of(wanted)
    finally:
        worker.kill()
        await worker.wait()
    assert result["data"]["outcome"] == "success"
    assert result["data"]["data"] == {"contract_id": f"contract-{wanted.run_id}"}
    assert result["data"]["worker"] == "contract-worker"
    document = await bench.jobs.find_one({"_id": wanted.job_id})
    assert "lease_until" in document, "its heartbeat began a lease"
