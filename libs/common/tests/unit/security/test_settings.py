"""Development needs nothing but addresses; production takes nothing that development made, and says all that is wrong at once."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest
from guanxi_common.clock import SystemClock
from guanxi_common.errors import Unauthenticated
from guanxi_common.messaging.signing import EventSigner
from guanxi_common.process import log_plaintext
from guanxi_common.security.build import build_blind_index, build_signer, build_token_verifier, build_verifier
from guanxi_common.security.commands import event_key
from guanxi_common.security.issuer import LOCAL_ISSUER, LocalIssuer
from guanxi_common.settings import ServiceSettings, SettingsError
from pydantic import ValidationError
from structlog.testing import capture_logs

ADDRESSES = {
    "database_url": "postgresql://u:hidden@127.0.0.1/d",
    "keys_database_url": "postgresql://u:hidden@127.0.0.1/k",
    "kafka_bootstrap_servers": "127.0.0.1:9092",
}


def random_secret(seed: int) -> str:
    return base64.b64encode(hashlib.sha256(b"%d" % seed).digest()).decode()


PRODUCTION = {
    **ADDRESSES,
    "environment": "production",
    "issuer": "https://issuer.bank.example",
    "jwks": "https://issuer.bank.example/jwks",
    "master_keys": f"2026:{random_secret(1)},2025:{random_secret(2)}",
    "blind_index_keys": f"2:{random_secret(3)},1:{random_secret(4)}",
    "http_secrets": random_secret(5),
    "audit_key": random_secret(6),
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "KEYS_DATABASE_URL", "BUS_DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "GUANXI_HOME"):
        monkeypatch.delenv(name, raising=False)


def settings(**values: Any) -> ServiceSettings:
    return ServiceSettings(**values)


def test_development_generates_its_secrets_once(tmp_path: Path) -> None:
    first, second = settings(**ADDRESSES, data_dir=tmp_path), settings(**ADDRESSES, data_dir=tmp_path)
    assert first.master_key_ring == second.master_key_ring
    assert first.blind_index_ring.keys() == {1}
    assert first.http_secret_list == second.http_secret_list
    assert first.audit_seed == second.audit_seed
    assert (
        len({*first.master_key_ring.values(), *first.blind_index_ring.values(), *first.http_secret_list, first.audit_seed}) == 4
    )
    files = list((tmp_path / "secrets").iterdir())
    assert len(files) == 4
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)


def test_production_with_everything_set_starts_and_generates_nothing(tmp_path: Path) -> None:
    whole = settings(**PRODUCTION, data_dir=tmp_path)
    assert list(whole.master_key_ring) == ["2026", "2025"]
    assert list(whole.blind_index_ring) == [2, 1]
    assert build_blind_index(whole, "phone").is_current(build_blind_index(whole, "phone").index("x"))
    assert build_token_verifier(whole, SystemClock())
    assert list(tmp_path.iterdir()) == []


def test_production_lists_everything_that_is_missing() -> None:
    with pytest.raises(SettingsError) as raised:
        settings(environment="production")
    for name in ("DATABASE_URL", "KEYS_DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "ISSUER", "JWKS"):
        assert f"GUANXI_{name} " in str(raised.value)
    for name in ("MASTER_KEYS", "BLIND_INDEX_KEYS", "HTTP_SECRETS", "AUDIT_KEY"):
        assert f"GUANXI_{name} is not set" in raised.value.problems


def test_production_refuses_what_development_generated(tmp_path: Path) -> None:
    development = settings(**ADDRESSES, data_dir=tmp_path)
    values = [development.master_key_ring, development.blind_index_ring, development.http_secret_list, development.audit_seed]
    assert all(values)
    names = ("master_keys", "blind_index_keys", "audit_key")
    copied = {name: (tmp_path / "secrets" / name.replace("_", "-")).read_text() for name in names}
    with pytest.raises(SettingsError) as raised:
        settings(**PRODUCTION | copied)
    assert [problem.split(" ", 1)[1] for problem in raised.value.problems] == ["was generated for development"] * 3


UNFIT = {
    "the local issuer": ({"issuer": LOCAL_ISSUER}, "GUANXI_ISSUER"),
    "keys over plain HTTP": ({"jwks": "http://issuer.bank.example/jwks"}, "GUANXI_JWKS"),
    "a short key": ({"master_keys": "1:" + base64.b64encode(b"short").decode()}, "GUANXI_MASTER_KEYS"),
    "a key that is no base64": ({"master_keys": "1:%%%"}, "GUANXI_MASTER_KEYS"),
    "a key without id": ({"master_keys": random_secret(1)}, "GUANXI_MASTER_KEYS"),
    "one id twice": ({"master_keys": f"1:{random_secret(1)},1:{random_secret(2)}"}, "GUANXI_MASTER_KEYS"),
    "an index version that is none": ({"blind_index_keys": f"x:{random_secret(1)}"}, "GUANXI_BLIND_INDEX_KEYS"),
    "a well-known key": ({"http_secrets": base64.b64encode(b"changeme" * 4).decode()}, "GUANXI_HTTP_SECRETS"),
    "a key of counted bytes": ({"audit_key": base64.b64encode(bytes(range(7, 231, 7))).decode()}, "GUANXI_AUDIT_KEY"),
    "a word's hexadecimal": (
        {"http_secrets": base64.b64encode(hashlib.sha256(b"x").hexdigest()[:32].encode()).decode()},
        "GUANXI_HTTP_SECRETS",
    ),
    "one key for two uses": ({"audit_key": random_secret(5)}, "GUANXI_HTTP_SECRETS"),
    "a master key that indexes too": ({"blind_index_keys": f"2:{random_secret(3)},1:{random_secret(2)}"}, "GUANXI_MASTER_KEYS"),
    "a rotation to the same key": ({"master_keys": f"2026:{random_secret(1)},2025:{random_secret(1)}"}, "GUANXI_MASTER_KEYS"),
    "the embedded log": ({"bus_database_url": "postgresql://u:hidden@127.0.0.1/bus"}, "GUANXI_BUS_DATABASE_URL"),
    "two signing keys": ({"audit_key": f"{random_secret(1)},{random_secret(2)}"}, "GUANXI_AUDIT_KEY"),
}


@pytest.mark.parametrize(("change", "named"), UNFIT.values(), ids=UNFIT)
def test_an_unfit_setting_is_named_and_not_shown(change: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(**PRODUCTION | change)
    assert [problem.split(" ")[0] for problem in raised.value.problems] == [named]
    assert not any(value in str(raised.value) for value in change.values() if value != LOCAL_ISSUER)


class Customer(ServiceSettings):
    service = "customer-svc"


PUBLIC = base64.b64encode(EventSigner("customer-svc/1", b"\7" * 32).public_key).decode()


def test_d19_development_agrees_on_the_key_that_signs_events_whoever_starts_first(tmp_path: Path) -> None:
    values: dict[str, Any] = {**ADDRESSES, "data_dir": tmp_path}
    believed = settings(**values).event_public_ring
    pair = Customer(**values).event_signing_pair
    assert pair is not None
    assert believed == {pair[0]: EventSigner(*pair).public_key}
    assert settings(**values).event_signing_pair is None


def test_d19_production_starts_no_worker_without_the_keys_of_events() -> None:
    with pytest.raises(SettingsError, match="GUANXI_EVENT_SIGNING_KEY is not set"):
        build_signer(Customer(**PRODUCTION))  # type: ignore[arg-type]  # one dict of all
    with pytest.raises(SettingsError, match="GUANXI_EVENT_PUBLIC_KEYS is not set"):
        build_verifier(settings(**PRODUCTION))
    given: dict[str, Any] = {
        **PRODUCTION,
        "event_signing_key": f"customer-svc/1:{random_secret(7)}",
        "event_public_keys": f"customer-svc/2:{PUBLIC},customer-svc/1:{PUBLIC}",
    }
    assert (signer := build_signer(Customer(**given)))
    assert signer.key_id == "customer-svc/1"
    assert list(settings(**PRODUCTION, event_public_keys=given["event_public_keys"]).event_public_ring) == [
        "customer-svc/2",
        "customer-svc/1",
    ]


def test_d19_the_command_makes_a_pair_that_production_takes(capsys: pytest.CaptureFixture[str]) -> None:
    event_key("customer-svc/2026-11")
    printed = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    given: dict[str, Any] = PRODUCTION | {name.removeprefix("GUANXI_").lower(): value for name, value in printed.items()}
    signer = build_signer(Customer(**given))
    assert signer is not None
    assert Customer(**given).event_public_ring == {"customer-svc/2026-11": signer.public_key}


UNFIT_EVENT_KEYS = {
    "another service's signing key": ("event_signing_key", f"scoring-svc/1:{random_secret(7)}"),
    "a signing key without label": ("event_signing_key", f"customer-svc:{random_secret(7)}"),
    "two signing keys": ("event_signing_key", f"customer-svc/1:{random_secret(7)},customer-svc/2:{random_secret(8)}"),
    "a signing key that is not random": ("event_signing_key", "customer-svc/1:" + base64.b64encode(bytes(32)).decode()),
    "a public key that is too short": ("event_public_keys", "customer-svc/1:AAAA"),
    "a public key of a service that signs nothing": ("event_public_keys", f"scoring-svc/1:{PUBLIC}"),
    "a public key without id": ("event_public_keys", PUBLIC),
}


@pytest.mark.parametrize(("name", "value"), UNFIT_EVENT_KEYS.values(), ids=UNFIT_EVENT_KEYS)
def test_d19_an_unfit_key_of_events_is_named_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Customer(**PRODUCTION, **{name: value})  # type: ignore[arg-type]  # one dict of all
    assert [problem.split(" ")[0] for problem in raised.value.problems] == [f"GUANXI_{name.upper()}"]
    assert value not in str(raised.value)


REMOTE = {
    "database_url": "postgresql://u:hidden@db.bank.example/d?sslmode=require",
    "keys_database_url": "postgresql://u:hidden@db.bank.example/k",
    "kafka_bootstrap_servers": "kafka.bank.example:9092",
    "jwks": "http://issuer.bank.example/jwks",
}


def test_production_refuses_every_connection_in_plain_that_it_was_not_told_to_allow() -> None:
    with pytest.raises(SettingsError) as raised:
        settings(**PRODUCTION | REMOTE)
    assert {problem.split(" ")[0] for problem in raised.value.problems} == {f"GUANXI_{name.upper()}" for name in REMOTE}
    assert "hidden" not in str(raised.value)
    with pytest.raises(SettingsError) as raised:
        settings(**PRODUCTION | REMOTE, allow_plaintext="kafka, jwks")
    assert {problem.split(" ")[0] for problem in raised.value.problems} == {"GUANXI_DATABASE_URL", "GUANXI_KEYS_DATABASE_URL"}
    with pytest.raises(ValidationError, match="everything"):
        settings(**PRODUCTION, allow_plaintext="everything")
    assert settings(**ADDRESSES | REMOTE).unsafe_connections()


def test_the_worker_alone_needs_a_password_at_the_brokers() -> None:
    without: dict[str, Any] = {**PRODUCTION, "kafka_security_protocol": "SASL_SSL", "kafka_sasl_mechanism": "SCRAM-SHA-512"}
    of_the_api = settings(**without)
    with pytest.raises(SettingsError, match="GUANXI_KAFKA_PASSWORD are not set"):
        _ = of_the_api.kafka_client
    worker = settings(**without, kafka_username="customer-svc", kafka_password="hidden")
    assert worker.kafka_client.username == "customer-svc"
    assert "hidden" not in repr(worker) + repr(worker.kafka_client)


def test_what_production_was_told_to_allow_is_logged_at_each_start() -> None:
    allowed = settings(**PRODUCTION | REMOTE, allow_plaintext="kafka,postgresql,jwks")
    with capture_logs() as logs:
        log_plaintext(allowed)
        log_plaintext(settings(**PRODUCTION))
        log_plaintext(settings(**ADDRESSES | REMOTE))
    assert {(line["event"], line["log_level"]) for line in logs} == {("plaintext_allowed", "warning")}
    assert sorted(line["setting"] for line in logs) == sorted(f"GUANXI_{name.upper()}" for name in REMOTE)
    assert "hidden" not in str(logs)


def test_settings_do_not_show_secrets_or_passwords() -> None:
    shown = repr(settings(**PRODUCTION))
    assert "hidden" not in shown
    assert random_secret(1) not in shown


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        settings(**ADDRESSES, business_zone="Mars/Olympus")


def test_the_environment_is_read_with_and_without_prefix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///plain")
    monkeypatch.setenv("GUANXI_KEYS_DATABASE_URL", "postgresql:///prefixed")
    monkeypatch.setenv("BUS_DATABASE_URL", "postgresql:///bus")
    monkeypatch.setenv("GUANXI_HOME", str(tmp_path))
    monkeypatch.setenv("GUANXI_AUDIENCE", "crm")
    read = settings()
    assert (read.database_url, read.keys_database_url) == ("postgresql:///plain", "postgresql:///prefixed")
    assert (read.data_dir, read.audiences) == (tmp_path, ("crm", "guanxi"))


@pytest.mark.anyio
async def test_development_verifies_its_local_issuer_and_each_service_its_own_audience(tmp_path: Path) -> None:
    class CustomerSettings(ServiceSettings):
        service = "customer-svc"

    clock = SystemClock()
    verifier = build_token_verifier(CustomerSettings(**ADDRESSES, data_dir=tmp_path), clock)  # type: ignore[arg-type]  # one dict of all
    issuer = LocalIssuer(tmp_path / "issuer", clock)
    for audience in ("guanxi", "customer-svc"):
        assert (await verifier.verify(issuer.issue("rm-01", audience=audience))).subject == "rm-01"
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.issue("rm-01", audience="scoring-svc"))


def test_production_refuses_few_partitions() -> None:
    with pytest.raises(SettingsError, match="GUANXI_FEW_PARTITIONS is set"):
        settings(**PRODUCTION, few_partitions=True)


def test_development_takes_keys_as_they_are() -> None:
    words = base64.b64encode(b"changeme" * 4).decode()
    assert settings(**ADDRESSES, http_secrets=words, audit_key=words).audit_seed == b"changeme" * 4
