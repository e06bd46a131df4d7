"""The manifests of deploy/kubernetes, found by its kustomizations."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
BASE = DEPLOY / "kubernetes"
FOLDERS = (BASE, BASE / "acls", BASE / "monitoring", BASE / "autoscaling")
TLS = BASE / "tls"
"""A component that only patches."""
Manifest = dict[str, Any]


def documents(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def kustomization(folder: Path) -> Manifest:
    (found,) = documents(folder / "kustomization.yaml")
    return found


def manifests(*folders: Path) -> list[Manifest]:
    """Returns the resources of these kustomizations, without their transformations; of all by default."""
    named = (folder / name for folder in folders or FOLDERS for name in kustomization(folder)["resources"])
    return [document for path in named for document in documents(path)]


def of_kind(kind: str, *folders: Path) -> list[Manifest]:
    return [manifest for manifest in manifests(*folders) if manifest["kind"] == kind]


def manifest(kind: str, name: str) -> Manifest:
    (found,) = [one for one in of_kind(kind) if one["metadata"]["name"] == name]
    return found


def pod_template(manifest: Manifest) -> Manifest | None:
    """Returns that of a Deployment or CronJob."""
    spec = manifest["spec"]
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: Manifest | None = spec.get("template")
    return template


def pods() -> Iterator[tuple[str, Manifest]]:
    """Yields the name and the template of every kind of pod."""
    for one in [*of_kind("Deployment"), *of_kind("CronJob")]:
        template = pod_template(one)
        assert template is not None
        yield one["metadata"]["name"], template


def selects(selector: Manifest | None, labels: dict[str, str]) -> bool:
    """Returns whether a label selector fits; one that is empty fits everything, and none fits nothing."""
    if selector is None:
        return False
    if any(labels.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_fits(expression, labels) for expression in selector.get("matchExpressions", []))


def _fits(expression: Manifest, labels: dict[str, str]) -> bool:
    value, operator = labels.get(expression["key"]), expression["operator"]
    if operator == "In":
        return value in expression["values"]
    assert operator == "NotIn"
    return value not in expression["values"]


def patched(component: Path) -> list[Manifest]:
    """Returns all manifests with the patches of a component, as kustomize applies them."""
    found = copy.deepcopy(manifests())
    for entry in kustomization(component)["patches"]:
        text = (component / entry["path"]).read_text() if "path" in entry else entry["patch"]
        for one in found:
            if _is_target(entry["target"], one):
                _apply(yaml.safe_load(text), one)
    return found


def _is_target(target: Manifest, one: Manifest) -> bool:
    wanted = dict(part.split("=") for part in target.get("labelSelector", "").split(",") if part)
    labels, name = one["metadata"].get("labels", {}), one["metadata"]["name"]
    fits = re.fullmatch(target.get("name", ".*"), name) and selects({"matchLabels": wanted}, labels)
    return bool(target["kind"] == one["kind"] and fits)


def _apply(patch: Any, one: Manifest) -> None:
    if isinstance(patch, dict):
        one["data"] |= patch["data"]  # a ConfigMap's
        return
    for change in patch:
        assert change["op"] == "add"
        place: Any = one
        *way, last = change["path"].strip("/").split("/")
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        if isinstance(place, list):
            assert last == "-"
            place.append(change["value"])
        else:
            assert last not in place, f"{change['path']} would replace what is there"
            place[last] = change["value"]
