"""supervisord as the stack uses it: its configuration, its start and stop, and what it is asked."""

import os
import shlex
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException
from typing import Any

from deploy.local import processes
from deploy.local.errors import StackError
from deploy.local.folder import CHECKOUT, Folder
from deploy.local.plan import Group, Plan
from deploy.local.ports import HOST
from deploy.local.supervisord import LET_GO

NAME = "supervisord"
START_ORDER: tuple[Group, ...] = ("infrastructure", "services")
STOP_SECONDS: dict[Group, int] = {"services": 25, "infrastructure": 30}
ANSWER_SECONDS = 30.0
LOG_LINE = 300
ENDED = {"BACKOFF", "EXITED", "FATAL", "UNKNOWN"}

HEAD = """\
[supervisord]
logfile=%(ENV_HERA_DATA_DIR)s/logs/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile=%(ENV_HERA_DATA_DIR)s/supervisord.pid
childlogdir=%(ENV_HERA_DATA_DIR)s/logs

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[inet_http_server]
port={host}:{port}
username=hera
password={password}
"""

PROGRAM = """
[program:{name}]
command=%(ENV_HERA_CHILD)s {name}
autostart=false
autorestart=true
startsecs=1
startretries=20
stopsignal=TERM
stopwaitsecs={stop_seconds}
redirect_stderr=true
stdout_logfile=%(ENV_HERA_DATA_DIR)s/logs/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
"""

GROUP = """
[group:{group}]
programs={names}
priority={priority}
"""


def configuration(plan: Plan) -> str:
    """No path stands in it, so that none can break its syntax; groups stop in the reverse order of their priority."""
    text = HEAD.format(host=HOST, port=plan.supervisor_port, password=plan.supervisor_password)
    for name, program in plan.programs.items():
        text += PROGRAM.format(name=name, stop_seconds=STOP_SECONDS[program.group])
    for priority, group in enumerate(START_ORDER, start=1):
        if names := plan.names(group):
            text += GROUP.format(group=group, names=",".join(names), priority=priority)
    return text


class Lifeline:
    """Held by `up`: once it lets go, the stack lives on without it; if it ends before, the stack stops."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def let_go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(LET_GO)
        self.process.stdin.close()


def start(folder: Folder, plan: Plan) -> Lifeline:
    """Starts supervisord, in a session of its own so that no Ctrl-C reaches it, with none of the programs yet."""
    folder.write_private(folder.supervisor_config, configuration(plan))
    child = shlex.join([sys.executable, "-m", "deploy.local.child"])
    environment = os.environ | {"HERA_DATA_DIR": str(folder.path), "HERA_CHILD": child}
    with folder.log(NAME).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.supervisord", str(folder.supervisor_config)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=CHECKOUT,
            env=environment,
            start_new_session=True,
        )
    return Lifeline(process)


def stop(folder: Folder) -> list[str]:
    """Stops everything that was started from this folder, also without a supervisord; gives the names of what ran."""
    alive = {name: identity for name, identity in processes.recorded(folder.processes).items() if identity.alive}
    if NAME in alive:
        processes.stop([alive[NAME]], sum(STOP_SECONDS.values()) + 5)
    processes.stop([identity for identity in alive.values() if identity.alive], 15)
    for path in folder.processes.iterdir():
        path.unlink()
    return list(alive)


def is_running(folder: Folder) -> bool:
    identity = processes.recorded(folder.processes).get(NAME)
    return identity is not None and identity.alive


def last_line(folder: Folder, name: str) -> str:
    """The last words of a program, and where the others are."""
    path = folder.log(name)
    lines = path.read_text(errors="replace").split("\n") if path.exists() else []
    words = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return f"{words[:LOG_LINE]} (log: {path})"


class Control:
    """What supervisord is asked over its port; raises StackError when it does not answer."""

    def __init__(self, plan: Plan) -> None:
        self._groups = {name: program.group for name, program in plan.programs.items()}
        address = f"http://hera:{plan.supervisor_password}@{HOST}:{plan.supervisor_port}/RPC2"
        self._supervisor: Any = xmlrpc.client.ServerProxy(address, transport=_Impatient()).supervisor

    def answers(self) -> bool:
        try:
            return bool(self._ask("getState")["statename"] == "RUNNING")
        except StackError:
            return False

    def states(self) -> dict[str, dict[str, Any]]:
        """By program: statename, pid, start (seconds since the epoch) and more, as supervisord gives them."""
        return {info["name"]: info for info in self._ask("getAllProcessInfo")}

    def start(self, names: Iterable[str]) -> None:
        """Starts those that do not run, without waiting for them."""
        states = self.states()
        for name in names:
            if states[name]["statename"] not in ("RUNNING", "STARTING", "BACKOFF"):
                self._ask("startProcess", f"{self._groups[name]}:{name}", False)

    def stop(self, name: str) -> None:
        """Returns when it has stopped; it stays so until it is started again."""
        self._ask("stopProcess", f"{self._groups[name]}:{name}")

    def _ask(self, question: str, *arguments: Any) -> Any:
        try:
            return getattr(self._supervisor, question)(*arguments)
        except (OSError, HTTPException, xmlrpc.client.Error) as error:
            raise StackError(
                f"supervisord does not do what it is asked ({error}); `make down` stops the stack."
            ) from error


class _Impatient(xmlrpc.client.Transport):
    def make_connection(self, host: Any) -> HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = ANSWER_SECONDS
        return connection
