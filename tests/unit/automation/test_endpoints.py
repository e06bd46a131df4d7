"""Where a job goes, and which addresses are refused."""

import pytest

from services.automation.domain.endpoints import (
    RefusedEndpoint,
    Target,
    allowed_host_fault,
    attempt_seconds,
    base_fault,
    channel,
    locate,
    of_organization,
)

BASE = "https://erp.example:8443/hera/"


def test_a_job_without_an_endpoint_goes_to_a_worker() -> None:
    assert channel(None, BASE) == "worker"


def test_a_relative_endpoint_goes_to_a_worker_where_no_base_is_configured() -> None:
    assert channel("/api/v1/contracts/generate", None) == "worker"
    assert channel("/api/v1/contracts/generate", BASE) == "http"


def test_an_absolute_endpoint_is_a_call_whatever_is_configured() -> None:
    assert channel("https://elsewhere.example/x", None) == "http"


def test_an_organisation_without_a_base_of_its_own_uses_the_one_for_all_others() -> None:
    bases = {"org_1": "http://one", "*": "http://others"}
    assert (of_organization("org_1", bases), of_organization("org_2", bases)) == ("http://one", "http://others")
    assert of_organization("org_2", {}) is None


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("/api/v1/contracts/generate", "https://erp.example:8443/hera/api/v1/contracts/generate"),
        ("/search?q=http://evil.example/", "https://erp.example:8443/hera/search?q=http://evil.example/"),
        ("/@evil.example/x", "https://erp.example:8443/hera/@evil.example/x"),
        ("/:99/x", "https://erp.example:8443/hera/:99/x"),
        ("/a#fragment", "https://erp.example:8443/hera/a"),
    ],
)
def test_a_relative_endpoint_stays_on_its_base(endpoint: str, url: str) -> None:
    assert locate(endpoint, BASE, ()) == Target(url, "erp.example:8443")


@pytest.mark.parametrize(
    "endpoint",
    [
        "//evil.example/x", "api/v1", "", "/../admin", "/a/%2e%2e/%2E%2E/admin", "/a/%252e%252e/admin",
        "/a/..;x=1/admin", "/a\\b", "/a b", "/a\r\nHost: evil.example", "file:///etc/passwd", "javascript:alert(1)", "https://elsewhere.example/x",
        "http://user:secret@ok.example/", "http://ok.example@evil.example/", "http:///x", "http://ok.example:port/",
    ],
)  # fmt: skip
def test_refuses_an_endpoint_that_would_leave_its_base(endpoint: str) -> None:
    assert isinstance(locate(endpoint, BASE, {"ok.example"}), RefusedEndpoint)


def test_an_absolute_endpoint_needs_its_host_among_the_allowed_ones() -> None:
    allowed = {"OK.example"}
    assert locate("https://ok.EXAMPLE/x?y=1#z", None, allowed) == Target(
        "https://ok.EXAMPLE/x?y=1", "ok.example:443", "ok.example"
    )
    refused = locate("https://evil.example/x", BASE, allowed)
    assert isinstance(refused, RefusedEndpoint)
    assert "AUTOMATION_ALLOWED_HOSTS" in refused.reason


@pytest.mark.parametrize(
    ("entry", "endpoint", "allowed"),
    [
        ("ok.example", "http://ok.example:80/", True),
        ("ok.example", "https://ok.example:443/", True),
        ("ok.example", "https://ok.example:8443/", False),
        ("ok.example", "http://ok.example:22/", False),
        ("ok.example:8443", "https://ok.example:8443/", True),
        ("ok.example:8443", "https://ok.example/", False),
        ("ok.example", "https://api.ok.example/", False),
        ("*.ok.example", "https://api.ok.example/", True),
        ("*.ok.example", "https://ok.example/", False),
        ("*.ok.example", "https://evilok.example/", False),
        ("*.ok.example", "https://api.ok.example.evil/", False),
        ("[2606:2800::1]:8080", "http://[2606:2800::1]:8080/", True),
    ],
)
def test_an_allowed_host_means_its_usual_port_unless_it_names_one(entry: str, endpoint: str, allowed: bool) -> None:
    assert isinstance(locate(endpoint, None, [entry]), Target) == allowed


@pytest.mark.parametrize("entry", ["", "https://ok.example", "ok.example/x", "*", "*.", "u@ok.example", "a.*.example"])
def test_says_what_is_wrong_with_an_allowed_host(entry: str) -> None:
    assert allowed_host_fault(entry)


@pytest.mark.parametrize("base", ["", "erp.example", "ftp://erp.example", "http://", "http://u:p@h/", "http://h/?q=1"])
def test_says_what_is_wrong_with_a_base_address(base: str) -> None:
    assert base_fault(base)


def test_accepts_a_base_address_with_a_path() -> None:
    assert base_fault(BASE) is None


def test_an_attempt_lasts_a_day_at_most() -> None:
    assert attempt_seconds(300) == 300
    assert attempt_seconds(float("inf")) == 24 * 3600
