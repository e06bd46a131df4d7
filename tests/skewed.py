"""`python -m tests.skewed 30 services.run_engine`: the service on a machine whose clock is 30 seconds ahead."""

import runpy
import sys
import time


def main() -> None:
    ahead, module = float(sys.argv[1]), sys.argv[2]
    true_time = time.time
    time.time = lambda: true_time() + ahead
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
