"""When a consumer counts as stalled."""

from guanxi_common.messaging.bus import TopicPartition
from guanxi_common.messaging.kafka.stall import StallWatch

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def test_a_partition_that_stands_still_below_its_end_for_the_limit_is_stalled() -> None:
    watch = StallWatch(10)
    assert watch.stalled({A: 5, B: 5}, {A: 9, B: 5}, now=0) == set()
    assert watch.stalled({A: 5, B: 5}, {A: 9, B: 5}, now=9.9) == set()
    assert watch.stalled({A: 5, B: 5}, {A: 9, B: 5}, now=10) == {A}


def test_progress_and_catching_up_start_the_time_anew() -> None:
    watch = StallWatch(10)
    watch.stalled({A: 5}, {A: 9}, now=0)
    assert watch.stalled({A: 6}, {A: 9}, now=10) == set()
    assert watch.stalled({A: 9}, {A: 9}, now=19) == set()
    assert watch.stalled({A: 9}, {A: 12}, now=21) == set()
    assert watch.stalled({A: 9}, {A: 12}, now=31) == {A}


def test_a_partition_that_is_no_longer_held_is_forgotten() -> None:
    watch = StallWatch(10)
    watch.stalled({A: 5}, {A: 9}, now=0)
    watch.stalled({}, {}, now=5)
    assert watch.stalled({A: 5}, {A: 9}, now=10) == set()


def test_each_restart_without_effect_doubles_the_limit_until_nothing_is_behind() -> None:
    watch = StallWatch(10)
    watch.restarted()
    watch.stalled({A: 5}, {A: 9}, now=0)
    assert watch.stalled({A: 5}, {A: 9}, now=19) == set()
    assert watch.stalled({A: 5}, {A: 9}, now=20) == {A}
    for _ in range(20):
        watch.restarted()
    watch.stalled({A: 5}, {A: 9}, now=100)
    assert watch.stalled({A: 5}, {A: 9}, now=100 + 320) == {A}, "at most 32-fold"
    watch.stalled({A: 9}, {A: 9}, now=500)
    watch.stalled({A: 9}, {A: 10}, now=501)
    assert watch.stalled({A: 9}, {A: 10}, now=511) == {A}
