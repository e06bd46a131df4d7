"""The local stack: MongoDB, Apache Kafka and the seven services on this machine."""

import argparse
import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from deploy.local import tokens
from deploy.local.errors import StackError
from deploy.local.folder import Folder, default_path

if TYPE_CHECKING:
    from deploy.local.plan import Plan

ENDED_BY_CTRL_C = 130


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    folder = Folder(default_path())
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is still starting is no news
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return int(options.run(folder, options))
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what this command had started is stopped.", file=sys.stderr)
        return ENDED_BY_CTRL_C


def _up(folder: Folder, options: argparse.Namespace) -> int:
    from deploy.local import plan, stack

    began = time.monotonic()
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    port = options.gateway_port
    wishes = plan.Wishes(
        brokers=options.brokers,
        ports={} if port is None else {"gateway": port},
        preferred_ports=plan.PREFERRED_PORTS,
        accept_lost_log=options.accept_lost_log,
    )
    groups = stack.ALL_GROUPS if options.only is None else ("infrastructure",)
    started = stack.up(folder, wishes, groups, report)
    if started.lifeline:
        started.lifeline.let_go()
    what = started.plan.programs["gateway"].url if options.only is None else "MongoDB and Kafka"
    print(f"Up in {time.monotonic() - began:.1f} s: {what}" if lines else f"Already up: {what}")
    return 0


def _down(folder: Folder, _: argparse.Namespace) -> int:
    from deploy.local import stack

    stopped = stack.down(folder)
    print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def _status(folder: Folder, _: argparse.Namespace) -> int:
    from deploy.local import stack

    rows = asyncio.run(stack.status(folder))
    if not rows:
        print("Nothing is running; `make up` starts the stack.")
        return 1
    now = time.time()
    for row in rows:
        age = f"{now - row['start']:.0f} s" if row["pid"] else "-"
        ready = {None: "", True: "ready", False: "not ready"}[row["ready"]]
        print(f"{row['name']:<18} {row['state']:<9} pid {row['pid'] or '-':<8} port {row['port']:<6} {age:>8}  {ready}")
    return 0 if all(row["state"] == "running" and row["ready"] is not False for row in rows) else 1


def _logs(folder: Folder, options: argparse.Namespace) -> int:
    known = sorted(path.stem for path in folder.logs.glob("*.log"))
    names = options.names or known
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise StackError(
            f"There is no log of {', '.join(unknown) or 'anything'}; logs: {', '.join(known) or 'none yet'}."
        )
    follow = ["--follow=name", "--retry"] if options.follow else []
    os.execvp("tail", ["tail", "-n", str(options.lines), *follow, *(str(folder.log(name)) for name in names)])


def _token(folder: Folder, options: argparse.Namespace) -> int:
    token = tokens.make_token(
        folder.jwt_secret(), options.sub, options.org, options.roles, options.permissions, options.ttl
    )
    print(token)
    return 0


def _verify(folder: Folder, options: argparse.Namespace) -> int:
    """The check needs the stack only where it is not given files."""
    from deploy.local import plan

    environment = dict(os.environ)
    if not options.files:
        current = plan.load(folder)
        if current is None:
            raise StackError("There is no local stack to check: `make up` first, or name an evidence document.")
        services = current.programs
        environment |= services["timeline"].environment | {"RUN_ENGINE_URL": services["run_engine"].url}
    command = [sys.executable, "-m", "services.timeline.verify", *options.files]
    os.execve(sys.executable, command, environment)


def _rebuild(folder: Folder, options: argparse.Namespace) -> int:
    _as_service(folder, options.projection, "rebuild", *(["--replace"] * options.replace))


def _incidents(folder: Folder, options: argparse.Namespace) -> int:
    _as_service(folder, "run_engine", "incidents", *(["release", options.release] if options.release else []))


def _keys(folder: Folder, options: argparse.Namespace) -> int:
    """Both services that hold what the keys have wrapped: one alone can't say which may go."""
    asked = [
        _command(folder, service, "keys", *(["rewrap"] * options.rewrap)) for service in ("run_engine", "notifier")
    ]
    ends = [subprocess.run(command, env=environment, check=False).returncode for command, environment in asked]
    return max(map(abs, ends))


def _backup(folder: Folder, options: argparse.Namespace) -> int:
    """Services do not work meanwhile; those that ran run again afterwards."""
    from deploy.local import stack

    with stack.services_stopped(folder) as current:
        return _with_store(folder, current, "deploy.backup", options.target)


def _restore(folder: Folder, options: argparse.Namespace) -> int:
    """Ends with everything stopped: services take the keys of the backup when they are started."""
    from deploy.backup import keys
    from deploy.backup.folder import BackupFolder
    from deploy.local import plan, stack

    wishes = plan.Wishes(brokers=options.brokers, preferred_ports=plan.PREFERRED_PORTS, accept_lost_log=options.replace)
    started = stack.up(folder, wishes, ("infrastructure",), lambda line: print(line, flush=True))
    if started.lifeline:
        started.lifeline.let_go()
    arguments = [
        *(["--kafka-from", options.kafka_from] if options.kafka_from else []),
        *(["--replace"] * options.replace),
    ]
    with stack.services_stopped(folder, start_again=False) as current:
        code = _with_store(folder, current, "deploy.restore", options.source, *arguments)
    if code == 0:
        source = BackupFolder(Path(options.source))
        keys.load(source, source.manifest(), folder.path, replace=True)  # what others have opened is gone
        stack.down(folder)
        print("The stack has the keys of the backup now; `make up` starts it.")
    return code


def _with_store(folder: Folder, current: "Plan", module: str, *arguments: str) -> int:
    """Runs a command that needs MongoDB, Kafka and the keys of this stack."""
    environment = dict(os.environ) | current.programs["run_engine"].environment
    environment |= {"JWT_SECRET": folder.jwt_secret()}
    return subprocess.run([sys.executable, "-m", module, *arguments], env=environment, check=False).returncode


def _as_service(folder: Folder, service: str, module: str, *arguments: str) -> NoReturn:
    command, environment = _command(folder, service, module, *arguments)
    os.execve(sys.executable, command, environment)


def _command(folder: Folder, service: str, module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """One of a service's own commands, with the settings that the service has here."""
    from deploy.local import plan

    current = plan.load(folder)
    if current is None:
        raise StackError("There is no local stack: `make up` first.")
    command = [sys.executable, "-m", f"services.{service}.{module}", *arguments]
    return command, dict(os.environ) | current.programs[service].environment


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _permissions(text: str) -> list[str]:
    try:
        return tokens.permissions_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port number")
    return int(text)


def _brokers(text: str) -> int:
    if text not in ("1", "3"):
        raise argparse.ArgumentTypeError(f"{text!r} brokers can't be started: give 1 or 3")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start what does not run yet, and wait until it is ready")
    up.add_argument("--only", choices=["infrastructure"], help="MongoDB, Kafka and its topics; no services")
    up.add_argument(
        "--brokers", type=_brokers, default=os.environ.get("HERA_BROKERS") or "1", help="default: HERA_BROKERS or 1"
    )
    up.add_argument(
        "--accept-lost-log",
        action="store_true",
        help="continue with an empty log although MongoDB holds the data of an earlier one",
    )
    up.add_argument("--gateway-port", type=_port, help="default: HERA_GATEWAY_PORT or 8000; 0: any free port")
    up.set_defaults(run=_up)

    commands.add_parser("down", help="stop everything").set_defaults(run=_down)
    commands.add_parser("status", help="what runs, where, since when").set_defaults(run=_status)

    logs = commands.add_parser("logs", help="the last lines that the programs wrote")
    logs.add_argument("names", nargs="*", help="gateway, run_engine, mongod, kafka-1 …; default: all")
    logs.add_argument("-n", "--lines", type=int, default=20)
    logs.add_argument("-f", "--follow", action="store_true")
    logs.set_defaults(run=_logs)

    token = commands.add_parser("token", help="a token for the local gateway")
    token.add_argument("--sub", default=tokens.SUBJECT)
    token.add_argument("--org", default=tokens.ORGANIZATION)
    token.add_argument("--roles", type=_names, default=[], help="comma separated")
    token.add_argument(
        "--permissions",
        type=_permissions,
        default=list(tokens.PERMISSIONS),
        help="comma separated; +a,b adds to the default ones",
    )
    token.add_argument("--ttl", type=int, default=3600, help="seconds (default 3600)")
    token.set_defaults(run=_token)

    verify = commands.add_parser("verify", help="whether the histories of all runs hold, or those of the files")
    verify.add_argument("files", nargs="*", help="evidence documents, as the API exports them")
    verify.set_defaults(run=_verify)

    rebuild = commands.add_parser("rebuild", help="a projection made anew from its log, compared with the one in use")
    rebuild.add_argument("projection", choices=["timeline", "analytics"])
    rebuild.add_argument("--replace", action="store_true", help="put the new one in use if they differ")
    rebuild.set_defaults(run=_rebuild)

    incidents = commands.add_parser("incidents", help="runs to which a command was set aside")
    incidents.add_argument("--release", metavar="RUN_ID", help="send the run's parked commands again")
    incidents.set_defaults(run=_incidents)

    backup = commands.add_parser("backup", help="MongoDB, Kafka's log and the keys, into a new folder")
    backup.add_argument("target", metavar="FOLDER")
    backup.set_defaults(run=_backup)

    restore = commands.add_parser("restore", help="a backup, into an empty stack; the services are started afterwards")
    restore.add_argument("source", metavar="FOLDER")
    restore.add_argument("--kafka-from", metavar="FOLDER", help="take Kafka's log from this later backup")
    restore.add_argument("--replace", action="store_true", help="delete what the stack holds first, keys too")
    restore.add_argument("--brokers", type=_brokers, default=os.environ.get("HERA_BROKERS") or "1")
    restore.set_defaults(run=_restore)

    keys = commands.add_parser(
        "keys", help="by which of ENCRYPTION_KEYS organizations' keys and webhooks' secrets are wrapped"
    )
    keys.add_argument("--rewrap", action="store_true", help="wrap all by the first")
    keys.set_defaults(run=_keys)
    return parser


if __name__ == "__main__":
    sys.exit(main())
