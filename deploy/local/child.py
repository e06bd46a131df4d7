"""Becomes one program of the stack: `python -m deploy.local.child NAME`, started by supervisord.

The program ends with supervisord, however that ends, and leaves its identity in the data folder.
"""

import json
import os
import resource
import sys
from pathlib import Path

from deploy.local import processes

OPEN_FILES = 65_536


def main(name: str) -> None:
    processes.die_with_parent(int(os.environ["HERA_SUPERVISOR_PID"]))
    folder = Path(os.environ["HERA_DATA_DIR"])
    program = json.loads((folder / "stack.json").read_text())["programs"][name]
    processes.record(folder / "processes", name)
    environment = os.environ | program["environment"]
    _raise_file_limit()
    command = program["command"]
    os.execvpe(command[0], command, environment)


def _raise_file_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main(sys.argv[1])
