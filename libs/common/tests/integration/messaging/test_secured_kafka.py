"""7.12: a real broker over TLS that asks who its clients are, and lets each write to its own topics. One broker for all of it."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from guanxi_common.messaging.bus import BusError, BusUnavailable, Outgoing, Record, RecordRejected, TopicSpec
from guanxi_common.messaging.kafka import KafkaBus, KafkaSecurity, KafkaTimes
from guanxi_common.messaging.kafka.rights import Right, rights
from guanxi_contracts.topics import topic_specs
from guanxi_testing.certificates import Authority
from guanxi_testing.eventually import eventually
from guanxi_testing.kafka_plugin import start_or_skip
from guanxi_testing.secured_kafka import PASSWORD, SecuredKafka

pytestmark = [pytest.mark.anyio, pytest.mark.kafka]

Read = Callable[..., Awaitable[list[Record]]]
TIMES = KafkaTimes(request=10.0, delivery=30.0)
DIRECTORY, ACTIVITIES = "directory.snapshots", "engagement.activities"
_CODES = {"topic": 2, "group": 3, "Read": 3, "Write": 4, "Create": 5}
_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    broker = SecuredKafka(tmp_path_factory.mktemp("secured"))
    start_or_skip(broker)
    yield broker
    broker.kill()


def client_of(broker: SecuredKafka, name: str) -> KafkaSecurity:
    """With a certificate of its own."""
    issued = broker.authority.issue(name)
    return KafkaSecurity("SSL", ca_file=broker.authority.ca_file, certificate=issued.certificate, private_key=issued.private_key)


def bus_of(broker: SecuredKafka, name: str) -> KafkaBus:
    return KafkaBus(broker.servers("sasl"), times=TIMES, security=broker.scram(name))


WORKING: dict[str, tuple[str, Callable[[SecuredKafka], KafkaSecurity]]] = {
    "TLS with a client certificate": ("mtls", lambda broker: client_of(broker, "admin")),
    "TLS with a password by SCRAM": ("sasl", lambda broker: broker.scram("admin")),
    "TLS with the password itself": ("sasl", lambda broker: replace(broker.scram("admin"), mechanism="PLAIN")),
}


@pytest.mark.parametrize(("listener", "security"), WORKING.values(), ids=WORKING)
async def test_a_client_with_the_right_papers_is_let_in(
    broker: SecuredKafka, listener: str, security: Callable[[SecuredKafka], KafkaSecurity]
) -> None:
    producer = await KafkaBus(broker.servers(listener), times=TIMES, security=security(broker)).producer()
    await producer.close()


async def test_records_go_over_tls_to_and_fro(broker: SecuredKafka, read: Read) -> None:
    bus, topic = KafkaBus(broker.servers("mtls"), times=TIMES, security=client_of(broker, "admin")), f"test.{uuid4().hex}"
    await bus.ensure_topics([TopicSpec(topic, 1)])
    consumer = await bus.consumer(group=uuid4().hex, topics=[topic])
    await _send(bus, Outgoing(topic, b"k", b"over TLS"))
    assert [record.value for record in await read(consumer, 1)] == [b"over TLS"]
    await consumer.close()


def _another_authority(broker: SecuredKafka) -> Authority:
    return Authority(broker.folder / "another", "Another authority")


def _of_another(broker: SecuredKafka) -> KafkaSecurity:
    issued = _another_authority(broker).issue("admin")
    return replace(client_of(broker, "admin"), certificate=issued.certificate, private_key=issued.private_key)


def _expired_client(broker: SecuredKafka) -> KafkaSecurity:
    issued = broker.authority.issue("admin", expired=True)
    return replace(client_of(broker, "admin"), certificate=issued.certificate, private_key=issued.private_key)


REFUSED: dict[str, tuple[str, Callable[[SecuredKafka], KafkaSecurity], str]] = {
    "another authority signed the broker's certificate": (
        "sasl",
        lambda broker: replace(broker.scram("admin"), ca_file=_another_authority(broker).ca_file),
        "CERTIFICATE_VERIFY_FAILED",
    ),
    "no authority is named, and the system does not know it": (
        "sasl",
        lambda broker: replace(broker.scram("admin"), ca_file=None),
        "CERTIFICATE_VERIFY_FAILED",
    ),
    "the broker's certificate has expired": ("expired", lambda broker: client_of(broker, "admin"), "certificate has expired"),
    "the certificate is another host's": ("stranger", lambda broker: client_of(broker, "admin"), "127.0.0.1"),
    "no client certificate": (
        "mtls",
        lambda broker: replace(client_of(broker, "admin"), certificate=None, private_key=None),
        "ALERT_BAD_CERTIFICATE",
    ),
    "a client certificate of another authority": ("mtls", _of_another, "ALERT_CERTIFICATE_UNKNOWN"),
    "an expired client certificate": ("mtls", _expired_client, "ALERT_CERTIFICATE_UNKNOWN"),
    "a wrong password": ("sasl", lambda broker: broker.scram("admin", "wrong"), "SaslAuthenticationFailed"),
    "an unknown name": ("sasl", lambda broker: broker.scram("nobody"), "SaslAuthenticationFailed"),
    "a wrong password sent as it is": (
        "sasl",
        lambda broker: replace(broker.scram("admin", "wrong"), mechanism="PLAIN"),
        "SaslAuthenticationFailed",
    ),
    "plain text to a listener of TLS": ("sasl", lambda _: KafkaSecurity(), "does it speak TLS?"),
}


@pytest.mark.parametrize(("listener", "security", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_connection_that_is_not_right_is_refused_with_its_reason(
    broker: SecuredKafka, listener: str, security: Callable[[SecuredKafka], KafkaSecurity], reason: str
) -> None:
    bus = KafkaBus(broker.servers(listener), times=TIMES, security=security(broker))
    with pytest.raises(BusUnavailable) as refused:
        await bus.producer()
    assert reason in str(refused.value)
    assert "wrong" not in str(refused.value)
    assert PASSWORD not in str(refused.value)


async def test_d19_a_service_writes_to_its_own_topics_and_no_others(broker: SecuredKafka, read: Read) -> None:
    await _grant(broker, rights())
    customer, engagement, scoring = (bus_of(broker, name) for name in ("customer-svc", "engagement-svc", "scoring-svc"))
    with pytest.raises(BusError, match="TopicAuthorizationFailed"):
        await engagement.ensure_topics([spec for spec in topic_specs(test=True) if spec.name == DIRECTORY])
    await eventually(lambda: _all_have_their_topics(broker), timeout=60)

    forged = Outgoing(DIRECTORY, b"staff:1", b"{}")
    assert isinstance((await _outcome(engagement, forged)), RecordRejected)
    assert isinstance((await _outcome(scoring, forged)), RecordRejected)
    with pytest.raises(BusUnavailable):
        await KafkaBus(
            broker.servers("sasl"), times=TIMES, security=KafkaSecurity("SSL", ca_file=broker.authority.ca_file)
        ).producer()
    assert await _outcome(customer, Outgoing(DIRECTORY, b"staff:1", b"genuine")) is None
    assert await _outcome(engagement, Outgoing(ACTIVITIES, b"c", b"{}")) is None

    async with _reading(engagement, "engagement-svc", DIRECTORY) as consumer:
        assert [record.value for record in await read(consumer, 1)] == [b"genuine"]


async def test_d19_a_certificate_gives_the_same_rights_as_a_password(broker: SecuredKafka) -> None:
    await _grant(broker, rights())
    await eventually(lambda: _all_have_their_topics(broker), timeout=60)
    engagement = KafkaBus(broker.servers("mtls"), times=TIMES, security=client_of(broker, "engagement-svc"))
    assert isinstance(await _outcome(engagement, Outgoing(DIRECTORY, b"staff:1", b"{}")), RecordRejected)
    assert await _outcome(engagement, Outgoing(ACTIVITIES, b"c", b"{}")) is None


async def _all_have_their_topics(broker: SecuredKafka) -> bool:
    """Each creates its own, and waits for those that are another's to create."""
    done = True
    for name in ("customer-svc", "engagement-svc", "scoring-svc"):
        try:
            await bus_of(broker, name).ensure_topics(topic_specs(test=True, service=name))
        except BusError:
            done = False
    return done


@contextlib.asynccontextmanager
async def _reading(bus: KafkaBus, group: str, topic: str) -> AsyncIterator[Any]:
    consumer = await bus.consumer(group=group, topics=[topic])
    try:
        yield consumer
    finally:
        await consumer.close()


async def _send(bus: KafkaBus, record: Outgoing) -> None:
    assert await _outcome(bus, record) is None


async def _outcome(bus: KafkaBus, record: Outgoing) -> BusError | None:
    producer = await bus.producer()
    try:
        [outcome] = await producer.send([record])
        return outcome
    finally:
        await producer.close()


async def _grant(broker: SecuredKafka, wanted: list[Right]) -> None:
    """Give the rights as `kafka-acls.sh` does, without a JVM for each."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.servers("sasl"), **broker.scram("admin").client_options())
    await admin.start()
    try:
        for right in wanted:
            pattern = _PREFIXED if right.resource == "group" else _LITERAL
            principal, operation = f"User:{right.principal}", _CODES[right.operation]
            request = CreateAclsRequest(_CODES[right.resource], right.name, pattern, principal, "*", operation, _ALLOW)
            answer = await admin._send_request(request)
            assert [result[0] for result in answer.creation_responses] == [0]
    finally:
        await admin.close()
