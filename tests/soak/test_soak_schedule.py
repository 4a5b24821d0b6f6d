"""The soak's schedule: a seed can be seen again, and nothing is spared."""

from tests.soak.schedule import LONGEST_JUMP, draw_schedule

KILLED = ["supervisor", "postmaster", "customer-api", "customer-worker"]


def test_a_seed_draws_the_same_schedule_again_and_another_seed_another() -> None:
    drawn = [draw_schedule(seed, 600, killed=KILLED, paused=KILLED, services=["customer"], full_disk=True) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(0 < strike.at < 600 for strike in drawn[0])


def test_whatever_can_be_struck_is_struck() -> None:
    schedule = draw_schedule(3, 3_600, killed=KILLED, paused=KILLED, services=["customer"], full_disk=True)
    assert {strike.target for strike in schedule if strike.kind == "kill"} == {*KILLED}
    assert {strike.kind for strike in schedule} == {"kill", "pause", "bad records", "bad row", "full disk"}
    without = draw_schedule(3, 3_600, killed=KILLED, paused=KILLED, services=["customer"], full_disk=False)
    assert "full disk" not in {strike.kind for strike in without}
    jumps = [
        strike.jump
        for strike in draw_schedule(3, 3_600, killed=KILLED, paused=KILLED, services=[], full_disk=False, clock=True)
        if strike.kind == "clock"
    ]
    assert min(jumps) < -5 < 5 < max(jumps) <= LONGEST_JUMP
