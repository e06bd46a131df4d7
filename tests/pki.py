"""A certificate authority of the tests, and certificates by it."""

import datetime
import ipaddress
import shutil
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """Files in PEM; `both` holds the certificate and its key. `subject` is as MongoDB names the user."""

    certificate: Path
    key: Path
    both: Path
    subject: str


class Authority:
    """Signs certificates for 127.0.0.1 and localhost."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(f"authority of {name}")
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        own = _builder(self._name, self._name, self._key.public_key()).add_extension(constraints, critical=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, password: str | None = None, organization: str = "hera") -> Certificate:
        key, subject = ec.generate_private_key(ec.SECP256R1()), _named(name, organization)
        hosts = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
        builder = _builder(subject, self._name, key.public_key())
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            encryption = serialization.BestAvailableEncryption(password.encode())
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        public = _pem(builder.sign(self._key, hashes.SHA256()))
        files = [self._folder / f"{name}{ending}" for ending in (".crt", ".key", ".pem")]
        for file, content in zip(files, (public, private, public + private), strict=True):
            file.write_bytes(content)
            file.chmod(0o600)
        certificate, key_file, both = files
        return Certificate(certificate, key_file, both, subject.rfc4514_string())


def mounted_folder(folder: Path, name: str = "own", organization: str = "hera") -> Authority:
    """Fills the folder with what Compose and Kubernetes mount into a container: a certificate and its authority."""
    authority = Authority(folder)
    issued = authority.issue(name, organization=organization)
    own = (issued.certificate, "tls.crt"), (issued.key, "tls.key"), (issued.both, "tls-combined.pem")
    for source, target in ((authority.file, "ca.crt"), *own):
        shutil.copy(source, folder / target)
    return authority


def _named(name: str, organization: str = "hera") -> x509.Name:
    attributes = [(NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, name)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - _DAY).not_valid_after(now + _DAY)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
