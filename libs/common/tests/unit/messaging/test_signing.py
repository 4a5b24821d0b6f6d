"""D19: a record of a signed topic is its producer's, whole and in its place, or it is refused."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from guanxi_common.messaging.bus import Outgoing, Record
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.signing import EventSigner, EventVerifier
from guanxi_contracts.codec import SIGNATURE_HEADER, decode, encode
from guanxi_contracts.topics import load_topics
from guanxi_testing.signatures import SIGNER, VERIFIER

TOPIC, KEY = "directory.snapshots", "staff:5f0c1a4e-0000-0000-0000-000000000007"
STAFF = "guanxi.staff.snapshot.v1"
AT = datetime(2026, 11, 28, 8, tzinfo=UTC)
DATA = {"staff_id": KEY.removeprefix("staff:"), "role": "relationship_manager"}


def sent(data: dict[str, str] | None = DATA, version: int = 3) -> Outgoing:
    return encode(Envelope(UUID(int=1), STAFF, TOPIC, KEY, "/customer-svc", AT, data, version, actor="system:customer-svc"))


def read(record: Outgoing) -> Record:
    return Record(record.topic, 0, 7, record.key, record.value, record.headers, 0)


def with_header(record: Record, name: str, value: bytes) -> Record:
    return replace(record, headers=(*((n, v) for n, v in record.headers if n != name), (name, value)))


def without_header(record: Record, name: str) -> Record:
    return replace(record, headers=tuple((n, v) for n, v in record.headers if n != name))


GENUINE = read(SIGNER.sign(sent()))
TOMBSTONE = read(SIGNER.sign(sent(None)))


@pytest.mark.parametrize("record", [GENUINE, TOMBSTONE], ids=["a snapshot", "a tombstone"])
def test_d19_a_genuine_record_is_accepted_and_reads_as_before(record: Record) -> None:
    assert VERIFIER.accepts(record)
    assert decode(record) == decode(without_header(record, SIGNATURE_HEADER))


FORGERIES: dict[str, Callable[[Record], Record]] = {
    "no signature": lambda genuine: without_header(genuine, SIGNATURE_HEADER),
    "another value": lambda genuine: replace(genuine, value=json.dumps(DATA | {"role": "head_office"}).encode()),
    "a value for a tombstone": lambda genuine: replace(genuine, value=None if genuine.value else b"{}"),
    "an empty value": lambda genuine: replace(genuine, value=b""),
    "another person's key": lambda genuine: replace(genuine, key=KEY.replace("7", "8").encode()),
    "no key": lambda genuine: replace(genuine, key=None),
    "a later version": lambda genuine: with_header(genuine, "ce_aggregateversion", b"4"),
    "no version": lambda genuine: without_header(genuine, "ce_aggregateversion"),
    "a later epoch": lambda genuine: with_header(genuine, "ce_epoch", b"9"),
    "another id": lambda genuine: with_header(genuine, "ce_id", str(UUID(int=2)).encode()),
    "another type": lambda genuine: with_header(genuine, "ce_type", b"guanxi.role.snapshot.v1"),
    "another time": lambda genuine: with_header(genuine, "ce_time", b"2027-01-01T00:00:00Z"),
    "another content type": lambda genuine: with_header(genuine, "content-type", b"text/plain"),
    "an attribute twice": lambda genuine: replace(genuine, headers=(*genuine.headers, ("ce_aggregateversion", b"3"))),
    "text moved between two headers": lambda genuine: with_header(
        with_header(genuine, "ce_actor", b"system:customer"), "ce_b", b"-svc"
    ),
    "a signature that is none": lambda genuine: with_header(genuine, SIGNATURE_HEADER, b"customer-svc/test:????"),
    "a signature of the wrong length": lambda genuine: with_header(genuine, SIGNATURE_HEADER, b"customer-svc/test:AAAA"),
    "a signature that is no text": lambda genuine: with_header(genuine, SIGNATURE_HEADER, b"\xff\xfe"),
    "no key id": lambda genuine: with_header(genuine, SIGNATURE_HEADER, b"A" * 88),
    "an unknown key id": lambda genuine: with_header(
        genuine, SIGNATURE_HEADER, dict(genuine.headers)[SIGNATURE_HEADER].replace(b"/test", b"/other")
    ),
    "another's key under the known id": lambda _: read(EventSigner(SIGNER.key_id, b"\7" * 32).sign(sent())),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("genuine", [GENUINE, TOMBSTONE], ids=["a snapshot", "a tombstone"])
def test_d19_a_forged_record_is_refused(genuine: Record, forge: Callable[[Record], Record]) -> None:
    assert not VERIFIER.accepts(forge(genuine))


def test_d19_another_services_key_signs_nothing_on_this_topic() -> None:
    stranger = EventSigner("engagement-svc/test", b"\7" * 32)
    ring = EventVerifier({SIGNER.key_id: SIGNER.public_key, stranger.key_id: stranger.public_key})
    assert ring.accepts(GENUINE)
    assert not ring.accepts(read(stranger.sign(sent())))


def test_d19_a_record_means_nothing_on_another_signed_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "guanxi_common.messaging.signing.signed_topics", lambda: dict.fromkeys((TOPIC, "x"), frozenset({"customer-svc"}))
    )
    assert VERIFIER.accepts(GENUINE)
    assert not VERIFIER.accepts(replace(GENUINE, topic="x"))


def test_d19_two_keys_are_believed_while_they_change() -> None:
    later = EventSigner("customer-svc/later", b"\7" * 32)
    both = EventVerifier({signer.key_id: signer.public_key for signer in (later, SIGNER)})
    assert both.accepts(GENUINE)
    assert both.accepts(read(later.sign(sent())))
    assert not EventVerifier({later.key_id: later.public_key}).accepts(GENUINE)


def test_d19_what_is_not_signed_needs_no_signature_and_nothing_else_is_exempt() -> None:
    assert [topic.name for topic in load_topics().values() if topic.signed] == ["customer.books", TOPIC]
    assert EventVerifier({}).accepts(replace(GENUINE, topic="bank.transactions", headers=()))
    assert not EventVerifier({}).accepts(GENUINE)


def test_d19_headers_that_are_no_attributes_may_be_added_on_the_way() -> None:
    assert VERIFIER.accepts(with_header(GENUINE, "mirror", b"dc2"))


def test_d19_the_signed_form_is_fixed_for_ever() -> None:
    """By the module's description alone: a key lives as long as a record that it has signed, so the form does too."""
    record = Outgoing(TOPIC, b"role:x", b"{}", (("ce_type", b"t"), ("x", b"y"), ("ce_id", b"1")))
    parts = [b"guanxi event v1", TOPIC.encode(), b"role:x", sha256(b"{}").digest(), b"ce_id", b"1", b"ce_type", b"t"]
    signature = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).sign(b"".join(len(p).to_bytes(4) + p for p in parts))
    assert dict(SIGNER.sign(record).headers)[SIGNATURE_HEADER] == b"customer-svc/test:" + base64.b64encode(signature)


def test_d19_to_sign_again_changes_nothing() -> None:
    assert SIGNER.sign(SIGNER.sign(sent())) == SIGNER.sign(sent())
