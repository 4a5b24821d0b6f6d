"""7.1: whatever is wrong with a record, it arrives, without an envelope and with a reason."""

import random

import pytest
from guanxi_common.messaging import arrivals
from guanxi_common.messaging.arrivals import UNDECODABLE, arrive
from guanxi_common.messaging.bus import Outgoing, Record
from guanxi_common.messaging.stored import KEY_LENGTH
from guanxi_testing.bad_records import bad_records
from guanxi_testing.fabric import fact

BAD = bad_records("k")
REASONS = {
    "key-of-5000-bytes": "key_too_long",
    "key-empty-and-no-event": "missing_attribute",
    "id-missing": "missing_attribute",
    "json-deep": "invalid_json",
    "json-number-of-5000-digits": "invalid_json",
    "json-beyond-float": "invalid_json",
    "json-nul": "invalid_json",
    "json-lone-surrogate": "invalid_json",
    "json-not-utf-8": "invalid_json",
    "json-empty": "invalid_json",
}


def read(sent: Outgoing, timestamp_ms: int = 0) -> Record:
    return Record(sent.topic, 0, 0, sent.key, sent.value, sent.headers, timestamp_ms)


@pytest.mark.parametrize("name", BAD)
def test_7_1_a_bad_record_arrives_without_an_envelope_and_with_its_reason(name: str) -> None:
    arrival = arrive(read(BAD[name]))
    assert arrival.envelope is None
    assert arrival.reason == REASONS.get(name, "invalid_attribute")
    assert arrival.key is None or (len(arrival.key[1]) <= KEY_LENGTH and "\0" not in arrival.key[1])


@pytest.mark.parametrize("timestamp_ms", [2**63 - 1, -(2**63), 10**15])
def test_7_1_the_record_s_own_time_is_bounded_too(timestamp_ms: int) -> None:
    assert arrive(read(fact("k"), timestamp_ms)).reason == "invalid_attribute"


def test_7_1_a_failure_that_nobody_has_thought_of_is_the_record_s_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SystemError("a bug in a library")

    monkeypatch.setattr(arrivals, "decode", fail)
    arrival = arrive(read(fact("k")))
    assert (arrival.envelope, arrival.reason) == (None, UNDECODABLE)


def test_7_1_generated_records_arrive() -> None:
    """Bytes of good records changed, cut and repeated at random: no way to fail."""
    rng = random.Random(7)

    def spoil(data: bytes) -> bytes:
        kept = bytearray(data)
        for _ in range(rng.choice([0] * 20 + [1, 2, 3])):
            place = rng.randrange(len(kept) + 1)
            kept[place : place + rng.randint(0, 4)] = rng.choice(
                [b"", rng.randbytes(2), b"\0", b"\xff", b"9" * 30, bytes(kept[:20])]
            )
        return bytes(kept)

    reasons = set()
    for sent in [*BAD.values(), fact("k")] * 30:
        headers = tuple((name, spoil(value)) for name, value in sent.headers if rng.random() > 0.02)
        value = None if sent.value is None or rng.random() < 0.02 else spoil(sent.value[:2_000])
        arrival = arrive(Record(sent.topic, 0, 0, spoil(sent.key), value, headers, rng.choice([0, 2**62])))
        reasons.add(arrival.reason)
    assert UNDECODABLE not in reasons
    assert "" in reasons
