"""`python -m services.timeline`"""

from services.timeline.main import build
from services.timeline.settings import Settings
from shared.service import run
from shared.settings import load_settings

run(build(load_settings(Settings)))
