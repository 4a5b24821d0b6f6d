"""Every abuse of a token ends in `Unauthenticated`, and a stream of unknown key ids costs one load."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from guanxi_common.clock import ManualClock
from guanxi_common.errors import Unauthenticated, Unavailable
from guanxi_common.http.client import FetchFailed
from guanxi_common.security.issuer import LOCAL_ISSUER, LocalIssuer, LocalIssuerRefused
from guanxi_common.security.jwks import MAX_AGE, REFRESH_INTERVAL, Jwks, file_loader
from guanxi_common.security.principal import Identity
from guanxi_common.security.tokens import AmbiguousToken, TokenVerifier
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

pytestmark = pytest.mark.anyio

ISSUER = "https://issuer.bank.example"
START = datetime(2026, 11, 23, 8, tzinfo=UTC)
KEYS = {
    "ES256": ECKey.generate_key("P-256", {"kid": "es"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rs"}),
}


class Issuer:
    """Publishes a key set and counts how often it is read."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [key.as_dict(private=False) for key in KEYS.values()]
        self.loads = 0
        self.down = False

    async def load(self) -> bytes:
        self.loads += 1
        await asyncio.sleep(0)
        if self.down:
            raise FetchFailed("no connection")
        return json.dumps({"keys": self.keys}).encode()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def verifier(issuer: Issuer, clock: ManualClock) -> TokenVerifier:
    return TokenVerifier(ISSUER, ("guanxi", "customer-svc"), Jwks(issuer.load, clock), clock)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(START.timestamp())
    merged = {"iss": ISSUER, "sub": "rm-1", "aud": "guanxi", "exp": now + 3600, "iat": now, "client_id": "app"} | changes
    return {name: value for name, value in merged.items() if value is not None}


def sign(payload: dict[str, Any], alg: str = "ES256", **header: Any) -> str:
    key = KEYS[alg]
    merged = {"alg": alg, "typ": "at+jwt", "kid": key.kid} | header
    return jwt.encode(
        {name: value for name, value in merged.items() if value is not None}, payload, key, [alg], default_type=None
    )


def assemble(header: dict[str, Any], payload: dict[str, Any], mac_key: bytes | None = None) -> str:
    """A token put together by hand: unsigned, or with an HMAC."""

    def encode(part: bytes) -> str:
        return base64.urlsafe_b64encode(part).rstrip(b"=").decode()

    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(payload).encode())}"
    mac = hmac.digest(mac_key, signed.encode(), hashlib.sha256) if mac_key else b""
    return f"{signed}.{encode(mac)}"


@pytest.mark.parametrize("alg", list(KEYS))
async def test_a_proper_token_proves_issuer_and_subject(verifier: TokenVerifier, alg: str) -> None:
    assert await verifier.verify(sign(claims(), alg)) == Identity(ISSUER, "rm-1", "staff")


async def test_eddsa_is_taken_under_its_old_name_too(verifier: TokenVerifier) -> None:
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": "ed"}
    unsigned = assemble(header, claims()).rstrip(".")
    signature = KEYS["Ed25519"].get_op_key("sign").sign(unsigned.encode())  # type: ignore[union-attr]
    token = f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert (await verifier.verify(token)).subject == "rm-1"


CLIENT = {"sub": "core", "client_id": "core"}
GRANTED = {"gty": "client-credentials"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"sub": "rm-1"}, ("rm-1", "staff")),
        ({"sub": "rm-1", "client_id": None}, ("rm-1", "staff")),
        ({"sub": "rm-1", "gty": "authorization_code"}, ("rm-1", "staff")),
        ({"sub": "rm-1", "gty": ["refresh_token", 7]}, ("rm-1", "staff")),
        (CLIENT | GRANTED, ("core", "client")),
        (CLIENT | {"gty": "client_credentials"}, ("core", "client")),
        (CLIENT | {"gty": ["client-credentials"]}, ("core", "client")),
        ({"sub": "core@clients", "client_id": "core"} | GRANTED, ("core", "client")),
    ],
)
async def test_d19_a_client_is_known_from_a_person_by_two_claims(
    verifier: TokenVerifier, given: dict[str, Any], expected: tuple[str, str]
) -> None:
    """RFC 9068 §2.2 and §5: the subject is the client itself, and the issuer says which grant it was."""
    identity = await verifier.verify(sign(claims(**given)))
    assert (identity.subject, identity.kind) == expected


@pytest.mark.parametrize(
    "given",
    [
        CLIENT,
        CLIENT | {"gty": "authorization_code"},
        CLIENT | {"gty": True},
        {"sub": "rm-1"} | GRANTED,
        {"sub": "rm-1", "client_id": None} | GRANTED,
        {"sub": "rm-1", "client_id": ["rm-1"]} | GRANTED,
        {"sub": "core@clients", "client_id": "core"},
        {"sub": "core", "client_id": "Core"} | GRANTED,
    ],
)
async def test_d19_a_token_of_neither_is_refused_with_its_own_code(verifier: TokenVerifier, given: dict[str, Any]) -> None:
    with pytest.raises(AmbiguousToken) as refused:
        await verifier.verify(sign(claims(**given)))
    assert (refused.value.status, refused.value.code) == (401, "ambiguous_token")


async def test_d19_the_claim_of_the_grant_is_a_setting(issuer: Issuer, clock: ManualClock) -> None:
    verifier = TokenVerifier(ISSUER, ("guanxi",), Jwks(issuer.load, clock), clock, "grant_type")
    assert (await verifier.verify(sign(claims(**CLIENT, grant_type="client_credentials")))).kind == "client"
    with pytest.raises(AmbiguousToken):
        await verifier.verify(sign(claims(**CLIENT, **GRANTED)))


async def test_one_of_several_audiences_suffices(verifier: TokenVerifier) -> None:
    assert (await verifier.verify(sign(claims(aud=["other", "customer-svc"])))).subject == "rm-1"


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": ISSUER + "/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "ledger"},
    "another of several audiences": {"aud": ["ledger", 7, None]},
    "audience that only begins alike": {"aud": "guanxi-2"},
    "no audience": {"aud": None},
    "expired": {"exp": int(START.timestamp()) - 61},
    "no expiry": {"exp": None},
    "expiry no number": {"exp": "4102444800"},
    "expiry true": {"exp": True},
    "expiry beyond all dates": {"exp": 10**30},
    "expiry a float beyond all dates": {"exp": 1e300},
    "not yet valid": {"nbf": int(START.timestamp()) + 61},
    "nbf no number": {"nbf": "soon"},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
    "subject a number": {"sub": 7},
    "subject with U+0000": {"sub": "rm\0"},
    "subject too long": {"sub": "x" * 256},
}


@pytest.mark.parametrize("change", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
async def test_bad_claims_are_refused(verifier: TokenVerifier, change: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(sign(claims(**change)))


@pytest.mark.parametrize("change", [{"exp": int(START.timestamp()) - 59}, {"nbf": int(START.timestamp()) + 59}])
async def test_a_minute_of_skew_is_borne(verifier: TokenVerifier, change: dict[str, int]) -> None:
    assert await verifier.verify(sign(claims(**change)))


def _public_pem() -> bytes:
    return KEYS["RS256"].as_pem(private=False)


BAD_TOKENS: dict[str, str] = {
    "empty": "",
    "no token": "Bearer",
    "two dots only": "..",
    "not ascii": "é.é.é",
    "lone surrogate": "\ud800.a.b",
    "longer than 16 KiB": sign(claims(more="x" * 20_000)),
    "alg none": assemble({"alg": "none", "typ": "at+jwt", "kid": "es"}, claims()),
    "alg None": assemble({"alg": "None", "typ": "at+jwt", "kid": "es"}, claims()),
    "no alg": assemble({"typ": "at+jwt", "kid": "es"}, claims()),
    "alg a list": assemble({"alg": ["ES256"], "typ": "at+jwt", "kid": "es"}, claims()),
    "HS256 with the public key": assemble({"alg": "HS256", "typ": "at+jwt", "kid": "rs"}, claims(), _public_pem()),
    "ID token": sign(claims(), typ="JWT"),
    "no type": sign(claims(), typ=None),
    "no key id": sign(claims(), kid=None),
    "key id of another type": assemble({"alg": "ES256", "typ": "at+jwt", "kid": "rs"}, claims()),
    "claims changed": sign(claims()).rsplit(".", 1)[0][:-2] + "AA." + sign(claims()).rsplit(".", 1)[1],
    "no signature": sign(claims()).rsplit(".", 1)[0] + ".",
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_bad_tokens_are_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


CRITICAL: dict[str, dict[str, Any]] = {
    "unknown": {"crit": ["x"], "x": 1},
    "named and absent": {"crit": ["x"]},
    "empty": {"crit": []},
    "a registered header": {"crit": ["kid"]},
    "unencoded payload": {"crit": ["b64"], "b64": True},
    "null": {"crit": None},
    "no list": {"crit": "x", "x": 1},
}


def _signed_by_hand(header: dict[str, Any]) -> str:
    """Ed25519 over whatever header: the library refuses to write these."""
    unsigned = assemble({"alg": "EdDSA", "typ": "at+jwt", "kid": "ed", **header}, claims()).rstrip(".")
    signature = KEYS["Ed25519"].get_op_key("sign").sign(unsigned.encode())  # type: ignore[union-attr]
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize("header", CRITICAL.values(), ids=CRITICAL)
async def test_a_token_with_critical_headers_is_refused_whatever_they_say(
    verifier: TokenVerifier, header: dict[str, Any]
) -> None:
    assert await verifier.verify(_signed_by_hand({}))
    with pytest.raises(Unauthenticated):
        await verifier.verify(_signed_by_hand(header))


MEMBERS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "says nothing": ("ES256", {}, True),
    "for signatures": ("ES256", {"use": "sig"}, True),
    "for encryption": ("ES256", {"use": "enc"}, False),
    "for something of their own": ("ES256", {"use": "tls"}, False),
    "use null": ("ES256", {"use": None}, False),
    "its algorithm": ("ES256", {"alg": "ES256"}, True),
    "another algorithm": ("ES256", {"alg": "ES384"}, False),
    "key agreement": ("ES256", {"alg": "ECDH-ES"}, False),
    "no algorithm": ("ES256", {"alg": "none"}, False),
    "algorithm null": ("ES256", {"alg": None}, False),
    "algorithm a list": ("ES256", {"alg": ["ES256"]}, False),
    "the old name": ("Ed25519", {"alg": "EdDSA"}, True),
    "the new name": ("Ed25519", {"alg": "Ed25519"}, True),
    "another curve": ("Ed25519", {"alg": "Ed448"}, False),
    "RSA PKCS 1": ("RS256", {"alg": "RS256"}, True),
    "RSA PSS": ("RS256", {"alg": "PS256"}, False),
    "RSA encryption": ("RS256", {"alg": "RSA-OAEP"}, False),
    "a MAC": ("RS256", {"alg": "HS256"}, False),
    "to verify": ("RS256", {"key_ops": ["verify"]}, True),
    "to sign and verify": ("RS256", {"key_ops": ["sign", "verify"]}, True),
    "to sign only": ("RS256", {"key_ops": ["sign"]}, False),
    "to encrypt": ("RS256", {"key_ops": ["encrypt", "wrapKey"]}, False),
    "for nothing": ("RS256", {"key_ops": []}, False),
    "operations a word": ("RS256", {"key_ops": "verify"}, False),
    "operations null": ("RS256", {"key_ops": None}, False),
    "all three": ("ES256", {"use": "sig", "alg": "ES256", "key_ops": ["verify"]}, True),
    "one of three against it": ("ES256", {"use": "sig", "alg": "ES256", "key_ops": ["deriveKey"]}, False),
}
"""What a published key says of itself, and whether it may verify a token (RFC 7517 §4.2 to 4.4)."""


@pytest.mark.parametrize(("alg", "members", "is_used"), MEMBERS.values(), ids=MEMBERS)
async def test_a_key_is_used_for_what_it_is_published_for(
    verifier: TokenVerifier, issuer: Issuer, alg: str, members: dict[str, Any], is_used: bool
) -> None:
    own = ("use", "alg", "key_ops")
    issuer.keys = [{name: value for name, value in KEYS[alg].as_dict(private=False).items() if name not in own} | members]
    if is_used:
        assert await verifier.verify(sign(claims(), alg))
    else:
        with pytest.raises(Unauthenticated):
            await verifier.verify(sign(claims(), alg))


@pytest.mark.parametrize("header", ["jwk", "jku", "x5u"])
async def test_a_key_brought_along_is_not_used(verifier: TokenVerifier, issuer: Issuer, header: str) -> None:
    own = ECKey.generate_key("P-256", {"kid": "mine"})
    value = own.as_dict(private=False) if header == "jwk" else "https://attacker.example/jwks"
    token = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "mine", header: value}, claims(), own, ["ES256"])
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)
    assert issuer.loads == 1


async def test_a_symmetric_or_weak_key_in_the_set_is_left_out(verifier: TokenVerifier, issuer: Issuer) -> None:
    secret = b"k" * 32
    issuer.keys = [
        {"kty": "oct", "kid": "mac", "k": base64.urlsafe_b64encode(secret).decode().rstrip("=")},
        {"kty": "LMS", "kid": "q"},
    ]
    with pytest.raises(Unauthenticated):
        await verifier.verify(assemble({"alg": "HS256", "typ": "at+jwt", "kid": "mac"}, claims(), secret))
    with pytest.raises(Unauthenticated):
        await verifier.verify(assemble({"alg": "ES256", "typ": "at+jwt", "kid": "mac"}, claims(), secret))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_an_rsa_key_of_fewer_than_2048_bits_is_left_out(verifier: TokenVerifier, issuer: Issuer) -> None:
    short = RSAKey.generate_key(1024, {"kid": "short"})
    issuer.keys.append(short.as_dict(private=False))
    token = jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": "short"}, claims(), short, ["RS256"])
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_a_thousand_unknown_key_ids_cost_one_load(verifier: TokenVerifier, issuer: Issuer, clock: ManualClock) -> None:
    await verifier.verify(sign(claims()))
    clock.advance(REFRESH_INTERVAL)
    tokens = [assemble({"alg": "ES256", "typ": "at+jwt", "kid": f"k{n}"}, claims()) for n in range(1_000)]
    answers = await asyncio.gather(*(verifier.verify(token) for token in tokens), return_exceptions=True)
    assert all(isinstance(answer, Unauthenticated) for answer in answers)
    assert issuer.loads == 2  # the first token's and one more


async def test_a_new_key_is_found_and_a_withdrawn_one_stops(verifier: TokenVerifier, issuer: Issuer, clock: ManualClock) -> None:
    await verifier.verify(sign(claims()))
    published, issuer.keys = issuer.keys[:1], issuer.keys[1:]
    clock.advance(MAX_AGE + timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await verifier.verify(sign(claims()))
    issuer.keys += published
    clock.advance(REFRESH_INTERVAL)
    assert await verifier.verify(sign(claims()))


async def test_keys_outlive_an_issuer_that_is_down_but_none_is_unavailable(issuer: Issuer, clock: ManualClock) -> None:
    verifier = TokenVerifier(ISSUER, ("guanxi",), Jwks(issuer.load, clock), clock)
    issuer.down = True
    with pytest.raises(Unavailable) as raised:
        await verifier.verify(sign(claims()))
    assert raised.value.headers == {"Retry-After": "30"}
    issuer.down = False
    clock.advance(REFRESH_INTERVAL)
    assert await verifier.verify(sign(claims()))
    issuer.down = True
    clock.advance(MAX_AGE * 2)
    assert await verifier.verify(sign(claims(), "RS256"))


async def test_a_remembered_token_still_expires(verifier: TokenVerifier, issuer: Issuer, clock: ManualClock) -> None:
    token = sign(claims(exp=int(START.timestamp()) - 30))
    await verifier.verify(token)
    clock.advance(timedelta(seconds=29))
    assert await verifier.verify(token)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_the_local_issuer_is_verified_from_its_file(tmp_path: Path, clock: ManualClock) -> None:
    local = LocalIssuer(tmp_path / "issuer", clock)
    again = LocalIssuer(tmp_path / "issuer", clock)
    verifier = TokenVerifier(LOCAL_ISSUER, ("guanxi",), Jwks(file_loader(local.jwks_file), clock), clock)
    assert await verifier.verify(again.issue("teller-7")) == Identity(LOCAL_ISSUER, "teller-7", "staff")
    assert (await verifier.verify(local.issue("core", kind="client"))).kind == "client"
    assert (tmp_path / "issuer" / "key.json").stat().st_mode & 0o777 == 0o600
    assert "d" not in json.loads(local.jwks_file.read_bytes())["keys"][0]


async def test_the_local_issuer_is_refused_in_production(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(LocalIssuerRefused):
        LocalIssuer(tmp_path, clock, production=True)
