"""D19: who may write and read what at the brokers, held against expectations written by hand."""

import pytest
from guanxi_common.messaging.kafka.rights import Right, commands, rights
from guanxi_contracts.topics import load_topics, topic_specs

RIGHTS = set(rights())

HELD = [
    ("customer-svc", "topic", "Write", "directory.snapshots"),
    ("customer-svc", "topic", "Create", "directory.snapshots"),
    ("customer-svc", "topic", "Read", "bank.inbound.transactions"),
    ("customer-svc", "topic", "Create", "bank.inbound.transactions"),
    ("core_banking", "topic", "Write", "bank.inbound.transactions"),
    ("engagement-svc", "topic", "Read", "directory.snapshots"),
    ("engagement-svc", "group", "Read", "engagement-svc"),
    ("scoring-svc", "topic", "Write", "scoring.actions"),
]
NOT_HELD = [
    ("engagement-svc", "topic", "Write", "directory.snapshots"),
    ("scoring-svc", "topic", "Write", "directory.snapshots"),
    ("scoring-svc", "topic", "Write", "customer.snapshots"),
    ("customer-svc", "topic", "Write", "bank.inbound.transactions"),
    ("customer-svc", "topic", "Write", "scoring.actions"),
    ("core_banking", "topic", "Create", "bank.inbound.transactions"),
    ("core_banking", "topic", "Read", "bank.transactions"),
    ("engagement-svc", "topic", "Create", "directory.snapshots"),
    ("engagement-svc", "topic", "Read", "bank.inbound.transactions"),
    ("engagement-svc", "group", "Read", "scoring-svc"),
]


@pytest.mark.parametrize("right", HELD)
def test_d19_a_right_that_there_is(right: tuple[str, ...]) -> None:
    assert Right(*right) in RIGHTS  # type: ignore[arg-type]


@pytest.mark.parametrize("right", NOT_HELD)
def test_d19_a_right_that_there_is_not(right: tuple[str, ...]) -> None:
    assert Right(*right) not in RIGHTS  # type: ignore[arg-type]


def test_d19_each_topic_is_written_by_its_producers_alone() -> None:
    for topic in load_topics().values():
        assert {r.principal for r in RIGHTS if r.name == topic.name and r.operation == "Write"} == set(topic.producers)


def test_the_commands_say_all_of_it_and_nothing_else() -> None:
    said = set()
    for line in commands("kafka:9093", "admin.properties"):
        words = line.split()
        values = {word: words[place + 1] for place, word in enumerate(words[:-1]) if word.startswith("--")}
        resource = "group" if "--group" in words else "topic"
        names = [words[place + 1] for place, word in enumerate(words) if word == f"--{resource}"]
        principal = values["--allow-principal"].removeprefix("User:")
        assert values["--resource-pattern-type"] == ("prefixed" if resource == "group" else "literal")
        said |= {Right(principal, resource, values["--operation"], name) for name in names}  # type: ignore[arg-type]
    assert said == RIGHTS


def test_a_service_asks_for_the_topics_that_it_may_use() -> None:
    names = {spec.name for spec in topic_specs(test=True, service="engagement-svc")}
    assert names == {r.name for r in RIGHTS if r.principal == "engagement-svc" and r.resource == "topic"}
    assert len(topic_specs(test=True)) == len(load_topics())
