"""The requests and answers of the API's reference, as examples in the documentation."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


def example(name: str) -> Any:
    return json.loads((_FOLDER / f"{name}.json").read_bytes())
