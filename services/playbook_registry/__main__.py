"""`python -m services.playbook_registry`"""

from services.playbook_registry.main import build
from services.playbook_registry.settings import Settings
from shared.service import run
from shared.settings import load_settings

run(build(load_settings(Settings)))
