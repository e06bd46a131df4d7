"""Ports of 127.0.0.1: which are given, which were chosen before, which are free."""

import os
import random
import socket
from collections.abc import Mapping
from pathlib import Path

from deploy.local.errors import StackError

HOST = "127.0.0.1"
LOWEST = 15_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def variable(name: str) -> str:
    """The setting that fixes a program's port: HERA_GATEWAY_PORT, HERA_MONGOD_PORT …"""
    return f"HERA_{name.upper().replace('-', '_')}_PORT"


def given_port(name: str) -> int | None:
    """From the environment; 0 means any free port."""
    text = os.environ.get(variable(name))
    if not text:
        return None
    if not text.isdecimal() or int(text) > 65_535:
        raise StackError(f"{variable(name)} is {text!r}; it must be a port number, or 0 for any free port.")
    return int(text)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def is_open(port: int) -> bool:
    """Whether a program accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def free_port(taken: set[int]) -> int:
    """Below the range that the kernel takes for outgoing connections: a restarted program finds its port again."""
    highest = int(EPHEMERAL.read_text().split()[0]) - 1
    candidates = range(LOWEST, highest) if highest > LOWEST + 1000 else range(LOWEST, 65_536)
    for port in random.sample(candidates, 200):
        if port not in taken and is_free(port):
            return port
    raise StackError(f"No free port was found on {HOST}.")


def choose_ports(names: list[str], given: Mapping[str, int], earlier: Mapping[str, int]) -> dict[str, int]:
    """A port for each name: the given one, else the one of the last start if it is free, else any free one."""
    chosen: dict[str, int] = {}
    for name in names:
        port = given.get(name, 0)
        if not port:
            port = earlier.get(name, 0)
            if not port or port in chosen.values() or not is_free(port):
                port = free_port({*chosen.values(), *given.values()})
        chosen[name] = port
    return chosen


def require_free(name: str, port: int) -> None:
    if not is_free(port):
        raise StackError(
            f"Port {port} of {HOST}, for {name}, is taken by another program: stop that one or set {variable(name)}."
        )
