"""Which settings of TLS between services fit together, and what is said of the others."""

import ssl

import pytest

from services.gateway.settings import GatewaySettings
from shared.settings import load_settings
from tests.infrastructure import SERVICE_TOKEN
from tests.pki import Authority

CA, OWN, KEY = "SERVICE_TLS_CA_FILE", "SERVICE_TLS_CERTIFICATE_FILE", "SERVICE_TLS_KEY_FILE"
ADDRESSES = ("REGISTRY_URL", "RUN_ENGINE_URL", "TIMELINE_URL", "ANALYTICS_URL", "NOTIFIER_URL")
REQUIRED = {"MONGODB_URI": "mongodb://h/", "KAFKA_BOOTSTRAP_SERVERS": "h:1", "SERVICE_TOKEN": SERVICE_TOKEN}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority(folder)
    own, locked = authority.issue("own"), authority.issue("locked", "password")
    files = {
        "CA": authority.file,
        "OWN": own.certificate,
        "KEY": own.key,
        "LOCKED": locked.key,
        "NONE": folder / "none",
    }
    return {name: str(path) for name, path in files.items()}


def set_all(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], names: dict[str, str]) -> None:
    addresses = dict.fromkeys(ADDRESSES, "https://h:1")
    every = REQUIRED | {"JWT_SECRET": "s" * 32} | addresses | {k: names.get(v, v) for k, v in given.items()}
    for name, value in every.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({CA: "CA", OWN: "OWN"}, f"{OWN} and {KEY} belong together"),
        ({CA: "CA", KEY: "KEY"}, f"{OWN} and {KEY} belong together"),
        ({OWN: "OWN", KEY: "KEY"}, f"{OWN} needs {CA}"),
        ({CA: "NONE"}, f"{CA}="),
        ({CA: "KEY"}, f"{CA}="),
        ({CA: "CA", OWN: "OWN", KEY: "LOCKED"}, f"{KEY}="),
        ({CA: "CA", OWN: "NONE", KEY: "KEY"}, f"{OWN}="),
        *(({CA: "CA", name: "http://h:1"}, f"{name} must begin with https://") for name in ADDRESSES),
    ],
)
def test_a_service_does_not_start_and_names_the_setting(
    given: dict[str, str],
    told: str,
    names: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_all(monkeypatch, given, names)
    with pytest.raises(SystemExit):
        load_settings(GatewaySettings)
    assert told in capsys.readouterr().err


def test_what_fits_together_verifies_by_the_configured_authority_alone(
    names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, {CA: "CA", OWN: "OWN", KEY: "KEY"}, names)
    settings = load_settings(GatewaySettings)
    assert isinstance(settings.verification, ssl.SSLContext)
    assert settings.verification.verify_mode is ssl.CERT_REQUIRED and settings.verification.check_hostname
    assert settings.verification.cert_store_stats()["x509_ca"] == 1
    assert settings.server_context is not None
