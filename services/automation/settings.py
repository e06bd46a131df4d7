"""Settings of the automation service."""

from ipaddress import IPv4Network, IPv6Network
from typing import Any

from pydantic import Field, field_validator

from services.automation.domain.endpoints import ANY_ORGANIZATION, allowed_host_fault, base_fault
from shared.settings import ServiceSettings


class AutomationSettings(ServiceSettings):
    run_engine_url: str | None = Field(
        default=None, description="http://host:port of run_engine, which seals and opens encrypted fields"
    )
    automation_base_urls: dict[str, str] = Field(
        default={},
        description='JSON object, organisation → base address of its endpoints; "*" stands for all others',
    )
    automation_allowed_hosts: dict[str, frozenset[str]] = Field(
        default={},
        description="JSON object, organisation → hosts that its playbooks may name in absolute addresses: host, "
        'host:port or *.domain; "*" stands for all others, and a list alone for all',
    )
    automation_allowed_networks: dict[str, frozenset[IPv4Network | IPv6Network]] = Field(
        default={},
        description="JSON object, organisation → private networks (CIDR) that its allowed hosts may resolve to; "
        '"*" stands for all others, and a list alone for all; none by default',
    )
    automation_concurrency: int = Field(default=128, ge=1, description="attempts at a time in one instance")
    automation_concurrency_per_organization: int = Field(
        default=16, ge=1, description="of those, at most so many of one organisation: a slow endpoint slows its own"
    )
    automation_concurrency_per_host: int = Field(
        default=8, ge=1, description="of those, at most so many of one organisation for one host"
    )
    automation_circuit_failures: int = Field(
        default=5, ge=1, description="an organisation's host that failed so often in a row is left alone for a while"
    )
    automation_circuit_seconds: float = Field(default=30.0, gt=0, description="then it is tried with one call")
    automation_circuit_patience_seconds: float = Field(
        default=300.0, gt=0, le=600, description="a job that waited so long for its host fails, to be tried again"
    )
    automation_idle_seconds: float = Field(default=1.0, gt=0, description="between looks for jobs of other instances")
    automation_lease_margin_seconds: float = Field(default=30.0, gt=0, description="a lease outlives the attempt by it")
    automation_worker_lease_seconds: float = Field(
        default=60.0, ge=1, description="between a worker's heartbeats, where the step names no lease_seconds"
    )
    automation_max_result_bytes: int = Field(default=1024 * 1024, ge=1024, le=6 * 1024 * 1024)
    automation_kept_days: float = Field(
        default=8, gt=7, description="ended jobs are remembered longer than automation.jobs keeps its records (7 days)"
    )

    @field_validator("automation_base_urls")
    @classmethod
    def _bases(cls, bases: dict[str, str]) -> dict[str, str]:
        for organization, base in bases.items():
            fault = base_fault(base)
            if fault:
                raise ValueError(f"the address of {organization} {fault}")
        return bases

    @field_validator("automation_allowed_hosts", "automation_allowed_networks", mode="before")
    @classmethod
    def _for_all(cls, allowed: Any) -> Any:
        return {ANY_ORGANIZATION: allowed} if isinstance(allowed, list) else allowed

    @field_validator("automation_allowed_hosts")
    @classmethod
    def _hosts(cls, allowed: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        for organization, hosts in allowed.items():
            for host in hosts:
                fault = allowed_host_fault(host)
                if fault:
                    raise ValueError(f"{host!r} of {organization} {fault}")
        return allowed
