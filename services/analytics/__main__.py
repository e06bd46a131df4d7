"""`python -m services.analytics`"""

from services.analytics.main import build
from services.analytics.settings import Settings
from shared.service import run
from shared.settings import load_settings

run(build(load_settings(Settings)))
