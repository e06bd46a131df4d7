"""Which settings of the connection to MongoDB fit together, and what is said of the others."""

import pytest

from shared.mongo_connection import MongoConnectionError, connection_of
from shared.settings import ServiceSettings, load_settings
from tests.infrastructure import SERVICE_TOKEN
from tests.pki import Authority

URI = "mongodb://127.0.0.1:1/?replicaSet=rs0"
USER = "mongodb://hera:secret-of-hera@127.0.0.1:1/?replicaSet=rs0"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority(folder)
    (folder / "broken.pem").write_text("no certificate")
    plain, locked = authority.issue("plain"), authority.issue("locked", "right")
    files = {"CA": authority.file, "OWN": plain.both, "LOCKED": locked.both, "BROKEN": folder / "broken.pem"}
    return {name: str(path) for name, path in files.items()} | {"MISSING": str(folder / "missing.pem")}


CA, OWN = "MONGODB_TLS_CA_FILE", "MONGODB_TLS_CERTIFICATE_KEY_FILE"
PASSWORD, MECHANISM = "MONGODB_TLS_CERTIFICATE_KEY_PASSWORD", "MONGODB_AUTH_MECHANISM"
WRONG = [
    ({OWN: "OWN"}, f"{OWN} needs {CA}"),
    ({CA: "CA", PASSWORD: "right"}, f"{PASSWORD} needs {OWN}"),
    ({MECHANISM: "MONGODB-X509"}, f"{MECHANISM}=MONGODB-X509 needs {OWN}"),
    ({MECHANISM: "MONGODB-X509", CA: "CA"}, f"{MECHANISM}=MONGODB-X509 needs {OWN}"),
    (
        {MECHANISM: "MONGODB-X509", CA: "CA", OWN: "OWN", "MONGODB_URI": USER},
        "remove user and password",
    ),
    ({MECHANISM: "SCRAM-SHA-256"}, f"{MECHANISM}=SCRAM-SHA-256 needs a user in MONGODB_URI"),
    ({MECHANISM: "PLAIN", "MONGODB_URI": USER}, MECHANISM),
    ({CA: "MISSING"}, f"{CA}="),
    ({CA: "BROKEN"}, f"{CA}="),
    ({CA: "CA", OWN: "MISSING"}, f"{OWN}="),
    ({CA: "CA", OWN: "BROKEN"}, f"{OWN}="),
    ({CA: "CA", OWN: "CA"}, f"{OWN}="),
    ({CA: "CA", OWN: "LOCKED"}, f"{PASSWORD} is not its password"),
    ({CA: "CA", OWN: "LOCKED", PASSWORD: "wrong"}, f"{PASSWORD} is not its password"),
    ({CA: "CA", "MONGODB_URI": f"{USER}&tls=false"}, f"tls=false and {CA}"),
    ({CA: "CA", "MONGODB_URI": f"{USER}&tls=true&tlsAllowInvalidCertificates=true"}, "tlsAllowInvalidCertificates"),
    ({CA: "CA", "MONGODB_URI": f"{USER}&tls=true&tlsAllowInvalidHostnames=true"}, "tlsAllowInvalidHostnames"),
    ({CA: "CA", "MONGODB_URI": "mongodb://h:port"}, "MONGODB_URI is no address"),
]


def filled(given: dict[str, str], names: dict[str, str]) -> dict[str, str]:
    return {"MONGODB_URI": URI} | {name: names.get(value, value) for name, value in given.items()}


@pytest.mark.parametrize(("given", "told"), WRONG)
def test_a_service_does_not_start_and_names_the_setting(
    given: dict[str, str],
    told: str,
    names: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = filled(given, names) | {"KAFKA_BOOTSTRAP_SERVERS": "h:1", "SERVICE_TOKEN": SERVICE_TOKEN}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        load_settings(ServiceSettings)
    said = capsys.readouterr().err
    assert told in said
    assert "secret-of-hera" not in said and "right" not in said and "Traceback" not in said


@pytest.mark.parametrize(("given", "told"), WRONG)
def test_a_tool_says_the_same(given: dict[str, str], told: str, names: dict[str, str]) -> None:
    with pytest.raises(MongoConnectionError) as refused:
        connection_of(filled(given, names))
    assert told in str(refused.value)
    assert "secret-of-hera" not in str(refused.value)


def test_what_fits_together_becomes_the_arguments_of_a_client(names: dict[str, str]) -> None:
    assert connection_of(filled({}, names)).options() == {}
    tls = {"tls": True, "tlsCAFile": names["CA"]}
    assert connection_of(filled({CA: "CA"}, names)).options() == tls
    own = {"tlsCertificateKeyFile": names["LOCKED"], "tlsCertificateKeyFilePassword": "right"}
    x509 = {MECHANISM: "MONGODB-X509", CA: "CA", OWN: "LOCKED", PASSWORD: "right"}
    made = connection_of(filled(x509, names))
    assert made.options() == tls | own | {"authMechanism": "MONGODB-X509", "authSource": "$external"}
    assert made.tls_options() == tls | own
    scram = connection_of(filled({MECHANISM: "SCRAM-SHA-256", "MONGODB_URI": USER}, names))
    assert scram.options() == {"authMechanism": "SCRAM-SHA-256"}


def test_the_address_must_be_there() -> None:
    with pytest.raises(KeyError, match="MONGODB_URI"):
        connection_of({})
