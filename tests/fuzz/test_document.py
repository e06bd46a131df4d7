"""Whatever fits the served document is answered as the document says; whatever does not is refused as it says.

Requests are made from the document, right and wrong ones, and chains of them along its links. `FUZZ_EXAMPLES` (15) is
how many are tried of each operation and phase, `FUZZ_SECONDS` (60) ends the search. `FUZZ_SEED` (1) is where it begins:
a change is judged by the same requests as the last one. `make fuzz` takes its time, and begins elsewhere each time.
"""

import asyncio
import os
import sys
import uuid
from pathlib import Path

from deploy.local.folder import CHECKOUT
from tests.fuzz.hooks import ORGANIZATION
from tests.running_stack import RunningStack

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "15")
SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
SEED = os.environ.get("FUZZ_SEED", "1")
STARTING_SECONDS = 120


async def test_every_answer_is_the_documented_one(stack: RunningStack, tmp_path: Path) -> None:
    organization_id = f"org_{uuid.uuid4().hex[:12]}"
    token = stack.token(organization_id, "fuzzer", permissions=("*",))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
        *(f"{stack.gateway_url}/openapi.json", "--header", f"Authorization: Bearer {token}"),
        *("--max-examples", EXAMPLES, "--max-time", str(SECONDS), "--seed", SEED, "--no-color"),
        *("--generation-database", "none"),
        cwd=CHECKOUT,
        env={**os.environ, ORGANIZATION: organization_id},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS + STARTING_SECONDS)
    report = output.decode(errors="replace")
    assert process.returncode == 0, report
    assert "Stateful" in report
    print(report)
