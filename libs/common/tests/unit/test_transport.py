"""7.12: what may go in plain. Value tables: an address that is not surely safe is refused."""

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from guanxi_common.messaging.kafka import KafkaSecurity
from guanxi_common.transport import is_local, jwks_flaw, kafka_flaw, kafka_security_flaws, postgresql_flaw
from guanxi_testing.certificates import Authority

LOCAL = ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]", "/run/postgresql"]
NOT_LOCAL = ["0.0.0.0", "10.0.0.1", "127.0.0.1.evil.example", "localhost.evil.example", "::", "", "postgres", "0x7f000001"]  # noqa: S104


@pytest.mark.parametrize(("host", "local"), [*((h, True) for h in LOCAL), *((h, False) for h in NOT_LOCAL)])
def test_what_stays_on_this_machine(host: str, local: bool) -> None:
    assert is_local(host) is local


SAFE = [
    "postgresql://u:p@db.bank.example/d?sslmode=verify-full",
    "postgresql://u:p@db.bank.example/d?sslrootcert=/etc/ca.pem&sslmode=verify-full",
    "postgresql://u:p@a.example,b.example/d?sslmode=verify-full",
    "postgresql://u:p@127.0.0.1/d",
    "postgresql://u:p@127.0.0.1:5432/d?application_name=x",
    "postgresql://u:p@[::1]:5432/d",
    "postgresql://127.0.0.1/d",
    "postgresql://u:p@%2Frun%2Fpostgresql/d",
    "postgresql:///d?host=/run/postgresql",
    "postgresql:///d?host=localhost",
]
PLAIN = [
    "postgresql://u:p@db.bank.example/d",
    *(
        f"postgresql://u:p@db.bank.example/d?sslmode={mode}"
        for mode in ("disable", "allow", "prefer", "require", "verify-ca", "")
    ),
    "postgresql://u:p@db.bank.example/d?SSLMODE=verify-full",
    "postgresql://u:p@db.bank.example/d?sslmode=verify-full&sslmode=disable",
    "postgresql://u:p@db.bank.example/d?sslmode=disable&sslmode=verify-full",
    "postgresql://u:p@db.bank.example/d#sslmode=verify-full",
    "postgresql://u:p@127.0.0.1,db.bank.example/d",
    "postgresql://u:p@127.0.0.1@db.bank.example/d",
    "postgresql://127.0.0.1:p@db.bank.example/d",
    "postgresql://u:p@127.0.0.1/d?host=db.bank.example",
    "postgresql://u:p@127.0.0.1/d?service=elsewhere",
    "postgresql:///d?host=127.0.0.1,db.bank.example",
    "postgresql:///d?service=elsewhere",
    "postgresql:///d",
    "postgresql://u:p@127.0.0.1.evil.example/d",
    "postgresql://u:p@127.0.0.1%2Cevil.example/d",
]


@pytest.mark.parametrize(("url", "safe"), [*((u, True) for u in SAFE), *((u, False) for u in PLAIN)])
def test_a_database_is_spoken_to_over_checked_tls_or_on_this_machine(url: str, safe: bool) -> None:
    assert (postgresql_flaw(url) is None) is safe


@pytest.mark.parametrize(
    ("servers", "protocol", "safe"),
    [
        ("kafka:9093", "SASL_SSL", True),
        ("kafka:9093", "SSL", True),
        ("kafka:9092", "PLAINTEXT", False),
        ("kafka:9092", "SASL_PLAINTEXT", False),
        ("127.0.0.1:9092", "PLAINTEXT", True),
        ("127.0.0.1:9092, [::1]:9092", "PLAINTEXT", True),
        ("127.0.0.1:9092,kafka:9092", "PLAINTEXT", False),
    ],
)
def test_brokers_are_spoken_to_over_tls_or_on_this_machine(servers: str, protocol: str, safe: bool) -> None:
    assert (kafka_flaw(servers, KafkaSecurity(protocol)) is None) is safe  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://issuer.example/jwks", True),
        ("/etc/guanxi/jwks.json", True),
        ("http://127.0.0.1:8080/jwks", True),
        ("http://issuer.example/jwks", False),
        ("HTTP://issuer.example/jwks", False),
        ("http://127.0.0.1@issuer.example/jwks", False),
        ("http://127.0.0.1.issuer.example/jwks", False),
    ],
)
def test_the_issuers_keys_are_fetched_over_tls_or_from_this_machine(address: str, safe: bool) -> None:
    assert (jwks_flaw(address) is None) is safe


SASL = {"mechanism": "SCRAM-SHA-512", "username": "customer-svc", "password": "secret-words"}
FLAWS = {
    "SASL without a mechanism": (KafkaSecurity("SASL_SSL", None, "u", "secret-words"), "SASL_MECHANISM"),
    "a name without a password": (KafkaSecurity("SASL_SSL", "SCRAM-SHA-512", "u", ""), "KAFKA_PASSWORD"),
    "a password without SASL": (KafkaSecurity("SSL", None, "u", "secret-words"), "for SASL_SSL"),
    "the password itself in plain": (KafkaSecurity("SASL_PLAINTEXT", "PLAIN", "u", "secret-words"), "only over SASL_SSL"),
    "an authority without TLS": (KafkaSecurity(ca_file=Path("ca.pem")), "for SSL"),
    "a certificate without its key": (KafkaSecurity("SSL", certificate=Path("client.pem")), "go together"),
    "an authority that is not there": (KafkaSecurity("SSL", ca_file=Path("/nowhere/ca.pem")), "GUANXI_KAFKA_CA_FILE"),
    "an authority that is none": (KafkaSecurity("SSL", ca_file=Path(__file__)), "GUANXI_KAFKA_CA_FILE"),
}


@pytest.mark.parametrize(("security", "named"), FLAWS.values(), ids=FLAWS)
def test_kafkas_settings_go_together(security: KafkaSecurity, named: str) -> None:
    [flaw] = kafka_security_flaws(security)
    assert named in flaw
    assert "secret-words" not in flaw + repr(security)


def test_kafkas_settings_that_go_together(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("customer-svc")
    for security in (
        KafkaSecurity(),
        KafkaSecurity("SASL_SSL", "SCRAM-SHA-512", ca_file=authority.ca_file),  # of a process that does not speak to the brokers
        KafkaSecurity("SASL_PLAINTEXT", **SASL),  # type: ignore[arg-type]  # one dict of all
        KafkaSecurity("SASL_SSL", **SASL, ca_file=authority.ca_file),  # type: ignore[arg-type]
        KafkaSecurity("SSL", ca_file=authority.ca_file, certificate=issued.certificate, private_key=issued.private_key),
    ):
        assert kafka_security_flaws(security) == []


def test_tls_to_the_brokers_is_of_today_and_keeps_past_records_secret() -> None:
    """TLS 1.2 or later, 128 bits or more, and keys that are agreed on anew for each connection."""
    context = KafkaSecurity("SSL").client_options()["ssl_context"]
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    for cipher in context.get_ciphers():
        assert cipher["strength_bits"] >= 128
        assert cipher["kea"] in ("kx-any", "kx-ecdhe", "kx-dhe"), cipher["name"]


def test_a_client_shows_its_certificate_to_the_brokers(tmp_path: Path) -> None:
    """To a broker that demands one, over a connection in memory."""
    authority = Authority(tmp_path)
    broker, issued = authority.issue("broker"), authority.issue("customer-svc")
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.ca_file)
    serving.load_cert_chain(broker.certificate, broker.private_key)
    serving.verify_mode = ssl.CERT_REQUIRED
    security = KafkaSecurity("SSL", ca_file=authority.ca_file, certificate=issued.certificate, private_key=issued.private_key)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = security.client_options()["ssl_context"].wrap_bio(back, there, server_hostname="localhost")
    server = serving.wrap_bio(there, back, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    shown = server.getpeercert()
    assert shown is not None
    assert shown["subject"] == ((("commonName", "customer-svc"),),)
