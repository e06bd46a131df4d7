"""Whether the service of this container is ready; the container's health check: `python -m deploy.healthy`."""

import http.client
import os
import sys


def ready(port: int, timeout_seconds: float = 4) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not ready(int(os.environ.get("HTTP_PORT", "8000"))))
