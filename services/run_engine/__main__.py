"""`python -m services.run_engine`"""

from services.run_engine.main import build
from services.run_engine.settings import Settings
from shared.service import run
from shared.settings import load_settings

run(build(load_settings(Settings)))
