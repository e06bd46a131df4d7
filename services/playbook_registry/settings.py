"""Settings of the playbook registry."""

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    automation_base_urls: dict[str, str] = Field(
        default={}, description="as the automation service has it: create warns where an endpoint will not be called"
    )

    def has_base(self, organization_id: str) -> bool:
        return organization_id in self.automation_base_urls or "*" in self.automation_base_urls
