"""docs/monitoring.md names every metric that the services show."""

import importlib
import re
from pathlib import Path

from prometheus_client import REGISTRY

from deploy.local.plan import SERVICES

PAGE = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()


def test_the_page_names_every_metric_and_no_other() -> None:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.main")
    shown = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("hera_")}
    assert set(re.findall(r"`(hera_[a-z_]+)`", PAGE)) == shown
