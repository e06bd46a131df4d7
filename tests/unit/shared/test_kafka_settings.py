"""Kafka's security settings: what they become for a client, and which of them refuse to start, by name."""

import ast
from pathlib import Path

import pytest

from shared.kafka_settings import KafkaSettingsError, connection_options, read_kafka_settings
from shared.oauth_tokens import ClientCredentials

CHECKOUT = Path(__file__).resolve().parents[3]
LOGIN = {"KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "a-secret"}
OAUTH = {
    "KAFKA_SASL_MECHANISM": "OAUTHBEARER",
    "KAFKA_SASL_OAUTH_TOKEN_URL": "https://issuer.example/token",
    "KAFKA_SASL_OAUTH_CLIENT_ID": "u",
    "KAFKA_SASL_OAUTH_CLIENT_SECRET": "a-secret",
}
SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
CLIENTS = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "AIOKafkaClient", "ScreenedConsumer"}
"""Whoever is made of these connects to Kafka."""


def read(**settings: str) -> dict[str, object]:
    return connection_options(read_kafka_settings({"KAFKA_BOOTSTRAP_SERVERS": "h:9092", **settings}))


def test_without_settings_the_connection_is_plain() -> None:
    assert read() == {"bootstrap_servers": "h:9092", "security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_name_and_a_password_are_shown_over_tls(mechanism: str) -> None:
    options = read(**SASL, **LOGIN, KAFKA_SASL_MECHANISM=mechanism)
    assert options.pop("ssl_context")
    assert options == {
        "bootstrap_servers": "h:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": mechanism,
        "sasl_plain_username": "u",
        "sasl_plain_password": "a-secret",
    }


def test_oauth_has_a_provider_of_tokens() -> None:
    assert isinstance(read(**SASL, **OAUTH)["sasl_oauth_token_provider"], ClientCredentials)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL"),
        (SASL, "KAFKA_SASL_MECHANISM is not set"),
        (SASL | {"KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM"),
        (
            SASL | {"KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_PASSWORD": "a-secret"},
            "KAFKA_SASL_USERNAME is not set",
        ),
        (SASL | {"KAFKA_SASL_MECHANISM": "PLAIN"}, "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are not set"),
        (SASL | OAUTH | {"KAFKA_SASL_OAUTH_TOKEN_URL": ""}, "KAFKA_SASL_OAUTH_TOKEN_URL is not set"),
        (SASL | OAUTH | {"KAFKA_SASL_OAUTH_TOKEN_URL": "http://issuer/token"}, "KAFKA_SASL_OAUTH_TOKEN_URL must be"),
        (SASL | OAUTH | LOGIN, "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are set"),
        (SASL | LOGIN | OAUTH | {"KAFKA_SASL_MECHANISM": "PLAIN"}, "KAFKA_SASL_OAUTH_TOKEN_URL"),
        (LOGIN, "needs KAFKA_SECURITY_PROTOCOL=SASL_SSL"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL"} | LOGIN, "needs KAFKA_SECURITY_PROTOCOL=SASL_SSL"),
        ({"KAFKA_SSL_CA_FILE": "ca.pem"}, "KAFKA_SSL_CA_FILE is set, which needs KAFKA_SECURITY_PROTOCOL=SSL"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_FILE": "no/ca.pem"}, "KAFKA_SSL_CA_FILE=no/ca.pem"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_FILE": __file__}, "KAFKA_SSL_CA_FILE="),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEY_FILE": "k"}, "KAFKA_SSL_CERTIFICATE_FILE is not"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERTIFICATE_FILE": "c"}, "KAFKA_SSL_KEY_FILE is not"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEY_PASSWORD": "a-secret"}, "KAFKA_SSL_KEY_FILE is not"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERTIFICATE_FILE": "c", "KAFKA_SSL_KEY_FILE": "k"},
            "KAFKA_SSL_CERTIFICATE_FILE=c",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_by_name_and_tells_no_secret(
    settings: dict[str, str], named: str
) -> None:
    with pytest.raises(KafkaSettingsError) as refused:
        read(**settings)
    assert named in str(refused.value)
    assert "a-secret" not in str(refused.value)


def test_a_tool_without_servers_is_told_so() -> None:
    with pytest.raises(KafkaSettingsError, match="KAFKA_BOOTSTRAP_SERVERS is not set"):
        read_kafka_settings({})


def sources() -> list[Path]:
    return [path for folder in ("shared", "services", "deploy") for path in sorted((CHECKOUT / folder).rglob("*.py"))]


def test_a_tools_settings_are_those_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SSL_CA_FILE", "of-the-process.pem")
    assert read_kafka_settings({"KAFKA_BOOTSTRAP_SERVERS": "h:1"}).kafka_ssl_ca_file is None


def constructions() -> list[tuple[str, ast.Call]]:
    return [
        (f"{path.relative_to(CHECKOUT)}:{node.lineno}", node)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _name(node.func) in CLIENTS
    ]


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def test_every_client_of_kafka_is_made_with_the_security_settings() -> None:
    found = constructions()
    assert len(found) >= 8
    for where, call in found:
        spread = [keyword.value for keyword in call.keywords if keyword.arg is None]
        made = [v for v in spread if isinstance(v, ast.Call) and _name(v.func) == "connection_options"]
        assert made, f"{where} must be made with **connection_options(settings)"


def test_the_services_consumers_have_the_security_settings() -> None:
    """FastStream makes these, with the builder that it is given."""
    source = (CHECKOUT / "shared/kafka/consumers.py").read_text()
    assert source.count("KafkaBroker(") == 1 and "config.builder.keywords | connection_options(" in source
    others = [path for path in sources() if path.name != "consumers.py"]
    assert not [path for path in others if "KafkaBroker(" in path.read_text()]
