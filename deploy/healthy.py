"""Whether the service of this container is ready; the container's health check: `python -m deploy.healthy`."""

import http.client
import os
import ssl
import sys


def ready(port: int, timeout_seconds: float = 4) -> bool:
    """Asks over TLS first where this service may have a certificate; it is not verified on the own machine."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)]
    if os.environ.get("SERVICE_TLS_CERTIFICATE_FILE"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connections.insert(0, http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout_seconds, context=context))
    return any(_answers(connection) for connection in connections)


def _answers(connection: http.client.HTTPConnection) -> bool:
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not ready(int(os.environ.get("HTTP_PORT", "8000"))))
