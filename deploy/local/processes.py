"""Which process is ours: by pid, start time and boot; a pid that was given to somebody else is never touched."""

import ctypes
import json
import os
import select
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Identity:
    pid: int
    started: int
    """Clock ticks since boot (field 22 of /proc/PID/stat)."""
    boot: str

    @property
    def alive(self) -> bool:
        return identity_of(self.pid) == self

    def send(self, signal_number: int) -> None:
        """A process that has ended or belongs to somebody else is left alone."""
        if self.alive:
            try:
                os.kill(self.pid, signal_number)
            except ProcessLookupError:
                return


def identity_of(pid: int) -> Identity | None:
    """None for a process that has ended, also when nobody has reaped it yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in "ZX":
        return None
    return Identity(pid, int(fields[19]), Path("/proc/sys/kernel/random/boot_id").read_text().strip())


def record(folder: Path, name: str) -> None:
    """Leaves this process's identity where the next start looks for leftovers; it stays true over an exec."""
    identity = identity_of(os.getpid())
    assert identity is not None
    partial = folder / f".{name}.{identity.pid}"
    partial.write_text(json.dumps(asdict(identity)))
    partial.rename(folder / f"{name}.json")


def recorded(folder: Path) -> dict[str, Identity]:
    """Identities by name; a file that can't be read names no process."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = Identity(**json.loads(path.read_text()))
        except (ValueError, TypeError):
            continue
    return found


def die_with_parent(parent_pid: int) -> None:
    """The kernel kills this process when its parent ends, however that ends; if the parent is gone already, now."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:
        os._exit(1)


def stop(identities: list[Identity], grace_seconds: float) -> None:
    """Asks with TERM, kills what is still there after the grace, and returns when all are gone."""
    for identity in identities:
        identity.send(signal.SIGTERM)
    if not gone(identities, grace_seconds):
        for identity in identities:
            identity.send(signal.SIGKILL)
        gone(identities, 10)


def gone(identities: list[Identity], seconds: float) -> bool:
    """Whether all have ended within that time."""
    deadline = time.monotonic() + seconds
    return all(_ended(identity, deadline) for identity in identities)


def _ended(identity: Identity, deadline: float) -> bool:
    try:
        watched = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return True
    try:
        if identity.alive:
            select.select([watched], [], [], max(0.0, deadline - time.monotonic()))
        return not identity.alive
    finally:
        os.close(watched)
