"""`python -m services.gateway`."""

from services.gateway.main import build
from services.gateway.settings import GatewaySettings
from shared.service import run
from shared.settings import load_settings

if __name__ == "__main__":
    run(build(load_settings(GatewaySettings)))
