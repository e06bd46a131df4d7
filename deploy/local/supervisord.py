"""supervisord for one data folder: `python -m deploy.local.supervisord CONFIG`, started by `up`.

Its standard input is a lifeline to `up`. When that ends before it has let go (Ctrl-C, a crash, kill -9), the stack
is stopped; nothing half-started is left behind.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from deploy.local import processes

LET_GO = b"."


def main(config: str) -> None:
    from supervisor import supervisord

    os.environ["HERA_SUPERVISOR_PID"] = str(os.getpid())
    processes.record(Path(os.environ["HERA_DATA_DIR"]) / "processes", "supervisord")
    threading.Thread(target=_stop_when_cut, daemon=True).start()
    supervisord.main(["--nodaemon", "--silent", "--configuration", config])


def _stop_when_cut() -> None:
    if os.read(sys.stdin.fileno(), 1) != LET_GO:
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1])
