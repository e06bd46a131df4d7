"""The HTTP application, with documentation that needs nothing from the internet."""

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from services.gateway.edge import Edge


def application() -> FastAPI:
    app = FastAPIOffline(
        title="HERA Playbooks",
        version="1.0.0",
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(Edge)
    return app
