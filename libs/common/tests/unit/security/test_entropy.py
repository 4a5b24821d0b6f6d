"""Keys that somebody wrote, padded, repeated or counted are refused; keys that were drawn are not."""

import base64
import hashlib
import os

import pytest
from guanxi_common.security.entropy import flaw_of_key, shared_keys

DRAWN = hashlib.sha256(b"drawn").digest()
WRITTEN = {
    "zeros": bytes(32),
    "one byte": b"\xa7" * 32,
    "two bytes in turn": b"\xa7\x31" * 16,
    "a short secret padded with zeros": DRAWN[:26] + bytes(6),
    "a shorter one": DRAWN[:12] + bytes(20),
    "the same half twice": DRAWN[:16] * 2,
    "a third, again and again": (DRAWN[:11] * 3)[:32],
    "a half and its mirror": DRAWN[:16] + DRAWN[:16][::-1],
    "counting up": bytes(range(32)),
    "counting down": bytes(range(255, 223, -1)),
    "counting by seven": bytes((31 + number * 7) % 256 for number in range(32)),
    "squares": bytes(number * number % 256 for number in range(32)),
    "two sequences": bytes(range(16)) + bytes(range(200, 232, 2)),
    "words": b"correct horse battery staple 123",
    "a passphrase with a few other bytes": b"My Bank's Secret 2026 Key!\x00\xff\x01abc",
    "hexadecimal text": DRAWN.hex()[:32].encode(),
    "digits": b"31415926535897932384626433832795",
    "base64 text": base64.b64encode(DRAWN)[:32],
    "Chinese in UTF-8": "关系银行客户主密钥一".encode() + b"42",
    "Chinese in GB 18030": "关系银行客户主密钥二零二六年度用".encode("gb18030"),
    "bytes below 128": bytes(byte & 0x7F for byte in DRAWN),
    "bytes of one nibble's range": bytes(byte & 0xF7 for byte in DRAWN),
    "a passphrase typed as base64": base64.b64decode("correcthorsebatterystaplecorrecthorsebatter="),
    "digits typed as base64": base64.b64decode("3141592653589793238462643383279502884197169="),
    "hexadecimal typed as base64": base64.b64decode(DRAWN.hex()[:42] + "w="),
}


@pytest.mark.parametrize("key", WRITTEN.values(), ids=WRITTEN)
def test_a_key_that_was_not_drawn_is_refused(key: bytes) -> None:
    assert len(key) == 32
    assert flaw_of_key(key) is not None


def test_keys_that_were_drawn_are_taken() -> None:
    assert flaw_of_key(DRAWN) is None
    assert [flaw for flaw in (flaw_of_key(os.urandom(32)) for _ in range(20_000)) if flaw] == []


def test_a_flaw_is_named_without_the_key() -> None:
    assert flaw_of_key(b"correct horse battery staple 123") == "is text"


OTHER, THIRD = hashlib.sha256(b"other").digest(), hashlib.sha256(b"third").digest()


@pytest.mark.parametrize(
    ("keys", "problems"),
    [
        ({"A": [DRAWN], "B": [OTHER, THIRD]}, []),
        ({"A": [DRAWN, DRAWN], "B": [OTHER]}, ["A holds a key twice"]),
        ({"A": [DRAWN], "B": [OTHER, DRAWN]}, ["A and B share a key"]),
        ({"A": [DRAWN], "B": [DRAWN[:16] + OTHER[16:]]}, ["A and B share a key"]),
        ({"A": [OTHER[:16] + DRAWN[16:]], "B": [DRAWN]}, ["A and B share a key"]),
        ({"A": [DRAWN, OTHER], "B": [DRAWN, OTHER], "C": []}, ["A and B share a key"]),
    ],
)
def test_no_key_serves_two_uses(keys: dict[str, list[bytes]], problems: list[str]) -> None:
    assert shared_keys(keys) == problems
