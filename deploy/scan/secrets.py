"""Searches the files that git tracks for passwords, keys and tokens that are not in the reviewed baseline."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from detect_secrets.core import baseline
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.potential_secret import PotentialSecret
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

from deploy.scan.report import CHECKOUT, Report

BASELINE = ".secrets.baseline"
NOT_SEARCHED = [
    rf"^{re.escape(BASELINE)}$",  # hashes of what was reviewed
    # Hashes of packages. `check_locks` looks for addresses, which could hold a password.
    r"^requirements(-dev)?\.lock$",
    r"^deploy/local/kafka/jars\.lock$",
    r"^deploy/lint/package-lock\.json$",
    r"^tests/kubernetes/go\.sum$",
    # Made of the code, which is searched; tests hold them to be what the code makes. They would take half of the time.
    r"^docs/api/(openapi|asyncapi)\.json$",
    r"^deploy/client/shapes\.py$",
    r"^contracts/schemas/\w+\.v\d+\.json$",
]
NOT_USED = {"IPPublicDetector"}  # an address is no secret
FILTERS = [
    *("allowlist.is_line_allowlisted", "heuristic.is_indirect_reference", "heuristic.is_likely_id_string"),
    *("heuristic.is_not_alphanumeric_string", "heuristic.is_potential_uuid", "heuristic.is_sequential_string"),
    *("heuristic.is_prefixed_with_dollar_sign", "heuristic.is_templated_secret"),
]
"""Those of the tool that take no request: candidates are not tried against the service that they may belong to."""
REFERENCE_IN_A_MANIFEST = r"\bsecretName\W+[\w-]+\W*$"  # in a manifest it refers to what the cluster holds
SET_IN_HOOKS = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}  # they name the repository of git's hook
WHAT_TO_DO = (
    "What is a secret must be revoked, and taken out of the files and of git's history. For what is none, run "
    f"`make scan RECORD=1`, look at its new entry in {BASELINE} and set is_secret to false."
)


def find_secrets(root: Path = CHECKOUT) -> Report:
    """Searches the tracked files of the checkout at `root`, with its baseline if it has one."""
    tracked = list_tracked_files(root)
    if tracked is None:
        return Report("", not_done="Git is missing, or this is not a checkout of it: secrets WERE NOT SEARCHED FOR")
    known, problems = _read_baseline(root), []
    for secret in _listed(_search(root, tracked)):
        if secret not in known:
            problems.append(f"{_place(secret)} may be a secret ({secret.type}).")
        elif known[secret].is_secret is not False:
            problems.append(f"{_place(secret)} ({secret.type}) is in {BASELINE}, but not reviewed as none.")
    advice = [WHAT_TO_DO] if problems else []
    return Report(f"{len(tracked)} tracked files, {len(known)} candidates in {BASELINE}", (*problems, *advice))


def record_candidates(root: Path = CHECKOUT) -> str:
    """Rewrites the baseline and returns a message for the caller.

    New candidates are not reviewed: the scan stays red until they are.
    """
    found, known = _search(root, list_tracked_files(root) or []), _read_baseline(root)
    for secret in _listed(found):
        secret.is_secret = known[secret].is_secret if secret in known else None
    with _settings():
        written = baseline.format_for_output(found)
    del written["generated_at"]  # or each run would change the file
    (root / BASELINE).write_text(json.dumps(written, indent=2) + "\n")
    open_ones = [_place(secret) for secret in _listed(found) if secret.is_secret is None]
    return "\n".join(
        (f"{BASELINE}: {len(open_ones)} to be reviewed. Set is_secret to false where it is none.", *open_ones)
    )


def list_tracked_files(root: Path) -> list[str] | None:
    """Returns the paths below `root` of the files that git tracks, or None where git can't say."""
    # A checkout of another owner, as in a container, is refused otherwise.
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z"]
    own = {name: value for name, value in os.environ.items() if name not in SET_IN_HOOKS}
    try:
        listed = subprocess.run(command, env=own, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [path for path in listed.split("\0") if path and (root / path).is_file()]


def _search(root: Path, tracked: list[str]) -> SecretsCollection:
    skipped = re.compile("|".join(NOT_SEARCHED))
    found = SecretsCollection()
    with chdir(root), _settings():  # a candidate is compared by its path, which is that below the current folder
        found.scan_files(*(path for path in tracked if not skipped.search(path)))
    return found


@contextmanager
def _settings() -> Iterator[None]:
    classes: dict[str, type] = get_mapping_from_secret_type_to_class()
    detectors = {detector.__name__ for detector in classes.values()} - NOT_USED
    used = [{"name": name} | ({"limit": _ENTROPY[name]} if name in _ENTROPY else {}) for name in sorted(detectors)]
    filters: list[dict[str, object]] = [{"path": f"detect_secrets.filters.{name}"} for name in FILTERS]
    filters.append({"path": "detect_secrets.filters.regex.should_exclude_line", "pattern": [REFERENCE_IN_A_MANIFEST]})
    with transient_settings({"plugins_used": used, "filters_used": filters}):
        yield


_ENTROPY = {"Base64HighEntropyString": 4.5, "HexHighEntropyString": 3.0}
"""The tool's own limits, in bits a character."""


def _read_baseline(root: Path) -> dict[PotentialSecret, PotentialSecret]:
    if not (root / BASELINE).exists():
        return {}
    read = SecretsCollection.load_from_baseline(baseline.load_from_file(str(root / BASELINE)))
    return {secret: secret for secret in _listed(read)}


def _listed(collection: SecretsCollection) -> list[PotentialSecret]:
    return [secret for _, secret in collection]


def _place(secret: PotentialSecret) -> str:
    return f"{secret.filename}:{secret.line_number}"
