"""`python -m services.notifier`."""

from services.notifier.main import build
from services.notifier.settings import NotifierSettings
from shared.service import run
from shared.settings import load_settings

if __name__ == "__main__":
    run(build(load_settings(NotifierSettings)))
