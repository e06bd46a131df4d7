"""What the documents show works when it is pasted."""

import asyncio
import json
import os
import re
import shutil
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from contracts.signals import SignalMessage
from deploy.client import Client
from deploy.local.folder import CHECKOUT
from services.run_engine.signal_sources import SignalSource, check_sources
from tests.conformance.story import CREATE, Story
from tests.e2e.clients import tasks_in_a_row
from tests.running_stack import RunningStack

FENCED = r"^```{}\n(.*?)^```$"
COMMAND_SECONDS = 120
SECRET = b64encode(b"24 bytes or more of noise").decode()


def _blocks(document: str, language: str) -> list[str]:
    text = (CHECKOUT / document).read_text()
    return re.findall(FENCED.format(language), text, re.MULTILINE | re.DOTALL)


async def _output(*command: str, environment: Mapping[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=CHECKOUT,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_the_walk_with_curl_of_the_readme(stack: RunningStack) -> None:
    (walk,) = (block for block in _blocks("README.md", "bash") if "curl" in block)
    here = walk.replace("http://localhost:8000", stack.gateway_url)
    here = here.replace("make -s token SUB=ada ORG=$ORG ROLES=finance", _token_command())
    assert here.count(stack.gateway_url) == here.count("deploy.local token") == 1
    output = await _output("bash", "-euc", here, environment={"HERA_DATA_DIR": str(stack.folder.path)})
    answers = [json.loads(line) for line in output.splitlines()]
    assert [answer["success"] for answer in answers] == [False, True, True, True, True]
    assert answers[0]["error"]["code"] == "CONTRACT_VALIDATION_FAILED"
    assert answers[3]["data"]["timeline"][-1]["event_type"] == "run_completed"
    assert answers[4]["data"]["metrics"]["execution_stats"]["completed_runs"] == 1


def _token_command() -> str:
    """As `make token` has it, without make's look at the virtual environment."""
    return f"{sys.executable} -m deploy.local token --sub ada --org $ORG --roles finance"


async def test_the_python_example_of_the_signals_page(stack: RunningStack, story: Story, tmp_path: Path) -> None:
    script, _ = _blocks("docs/signals.md", "python")
    path = tmp_path / "send_event.py"
    path.write_text(script)
    playbook_id = story.exchanges[CREATE].data["playbook_id"]
    token = story.token("sales_rep_001", ["sales_rep"])
    client = Client(story.http, token, story.organization_id)
    run_id = (await client.start_run({"playbook_id": playbook_id}))["run_id"]
    output = await _output(sys.executable, str(path), stack.bootstrap_servers, story.organization_id, run_id)
    outcome = json.loads(output)
    assert (outcome["run_id"], outcome["accepted"]) == (run_id, True)
    assert (await client.run(run_id))["data"]["payment_status"] == "received"


async def test_the_example_of_the_client_s_page(stack: RunningStack, http: httpx.AsyncClient, tmp_path: Path) -> None:
    (script,) = _blocks("deploy/client/README.md", "python")
    (tmp_path / "example.py").write_text(script)
    shutil.copytree(CHECKOUT / "deploy" / "client", tmp_path / "hera_playbooks_client")
    token = stack.token("org_of_the_page", permissions=("*",))
    created = await Client(http, token, "org_of_the_page").create_playbook(tasks_in_a_row(2))
    given = (stack.gateway_url, token, "org_of_the_page", created["playbook_id"])
    output = await _output(sys.executable, str(tmp_path / "example.py"), *given, environment={"NO_PROXY": "*"})
    assert "next: ['Task 2']" in output
    assert "INVALID_STATE" in output


def test_the_json_examples_of_the_signals_page_are_a_signal_and_sources() -> None:
    signal, sources = (json.loads(block.replace("…", SECRET)) for block in _blocks("docs/signals.md", "json"))
    SignalMessage.model_validate(signal)
    assert set(check_sources({name: SignalSource.model_validate(source) for name, source in sources.items()})) == {
        "billing",
        "crm",
    }


def test_the_signature_of_the_signals_page_is_one_of_standard_webhooks() -> None:
    _, script = _blocks("docs/signals.md", "python")
    defined: dict[str, Any] = {}
    exec(script, defined)
    headers = {name: value.decode() for name, value in defined["headers"](f"whsec_{SECRET}", "sig_1", b'{"a": 1}')}
    assert Webhook(f"whsec_{SECRET}").verify(b'{"a": 1}', headers) == {"a": 1}


def test_every_file_that_a_document_links_to_exists() -> None:
    documents = [CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("**/*.md")]
    missing = [
        f"{document.relative_to(CHECKOUT)} → {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
        if not (document.parent / target).exists()
    ]
    assert missing == []
