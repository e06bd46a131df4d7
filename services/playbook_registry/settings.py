"""Settings of the playbook registry."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Only those that every service has."""
