"""`python -m services.automation`."""

from services.automation.main import build
from services.automation.settings import AutomationSettings
from shared.service import run
from shared.settings import load_settings

if __name__ == "__main__":
    run(build(load_settings(AutomationSettings)))
