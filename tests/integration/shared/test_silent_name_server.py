"""A name server that never answers, asked by the real resolver on the services' own event loop."""

import json
import subprocess
import sys

import pytest

from deploy.local.folder import CHECKOUT

APART = ["unshare", "--map-root-user", "--mount", "--net"]


def test_calls_of_others_go_on_while_one_organization_s_name_server_is_silent() -> None:
    if subprocess.run([*APART, "true"], capture_output=True).returncode:
        pytest.skip("namespaces can't be made here, and the machine's own resolver must not be changed")
    command = [*APART, sys.executable, "-m", "tests.integration.shared.silent_name_server"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["answered"] == [200] * 5
    assert told["seconds"] < 2
    assert told["hanging"] == ["TimeoutError"]
