"""Certificates for tests: an authority, and what it issues, as PEM files."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key. `bundle` has both in one file, as Kafka's PEM key store wants them."""

    certificate: Path
    private_key: Path
    bundle: Path


class Authority:
    """A certificate authority with its files in `folder`; `ca_file` is what others trust."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)  # signing, and certificates
        self._certificate = (
            _builder(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str, *, hosts: Sequence[str] = ("localhost", "127.0.0.1"), expired: bool = False) -> Issued:
        """A certificate for `CN=name` that is valid for `hosts`, or was until yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(_named(name), self._name, key, expired=expired)
            .add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = f"{name}-expired" if expired else name
        issued = Issued(*(self._folder / f"{stem}{suffix}.pem" for suffix in ("", ".key", ".bundle")))
        key_text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        text = certificate.public_bytes(Encoding.PEM)
        issued.certificate.write_bytes(text)
        issued.private_key.touch(mode=0o600)
        issued.private_key.write_bytes(key_text)
        issued.bundle.touch(mode=0o600)
        issued.bundle.write_bytes(key_text + text)
        return issued


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool = False
) -> x509.CertificateBuilder:
    end = datetime.now(UTC) + (-timedelta(days=1) if expired else _YEAR)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - _YEAR - timedelta(days=1))
        .not_valid_after(end)
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
