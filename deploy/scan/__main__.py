"""`python -m deploy.scan`: all parts of the scan. Ends with 1 if one of them found something."""

import argparse
import sys
from collections.abc import Callable

from deploy.scan.licenses import check_licenses
from deploy.scan.locks import check_locks
from deploy.scan.report import Report
from deploy.scan.sbom import SBOM, write_sbom
from deploy.scan.secrets import find_secrets, record_candidates
from deploy.scan.vulnerabilities import find_vulnerabilities

PARTS: dict[str, Callable[[], Report]] = {
    "secrets": find_secrets,
    "locks": check_locks,
    "licenses": check_licenses,
    "vulnerabilities": find_vulnerabilities,
    SBOM.name: write_sbom,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.scan", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write new candidates for secrets to the baseline")
    if parser.parse_args().record:
        print(record_candidates())
        return 0
    failed = [name for name, part in PARTS.items() if _print(name, part())]
    return 1 if failed else 0


def _print(name: str, report: Report) -> bool:
    """Returns whether the part found something that must not be."""
    if report.not_done:
        print(f"!!! {report.not_done} !!!", flush=True)
    for problem in report.problems:
        print(f"{name}: {problem}", file=sys.stderr, flush=True)
    if report.summary:
        print(f"{name}: {report.summary}", flush=True)
    return bool(report.problems)


if __name__ == "__main__":
    sys.exit(main())
