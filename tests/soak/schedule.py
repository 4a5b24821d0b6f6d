"""What befalls the deployment and when: a function of the seed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

Kind = Literal["kill", "pause", "bad records", "bad row", "full disk", "clock"]

LONGEST_PAUSE: Final = 8.0
LONGEST_JUMP: Final = 120
"""Seconds that the clock of all processes jumps, forwards or backwards, and then back again."""
USUAL_INTERVAL: Final = 6.0


@dataclass(frozen=True, slots=True)
class Strike:
    """Not before `at` seconds of the run, and only when the strike before it has ended. `seconds` is how long it lasts."""

    at: float
    kind: Kind
    target: str = ""
    seconds: float = 0.0
    seed: int = 0
    jump: int = 0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        jumping = f" by {self.jump:+} s" if self.jump else ""
        return f"{self.at:6.1f} s  {' '.join(filter(None, (self.kind, self.target)))}{jumping}{lasting}"


def draw_schedule(
    seed: int,
    seconds: float,
    *,
    killed: Sequence[str],
    paused: Sequence[str],
    services: Sequence[str],
    full_disk: bool,
    clock: bool = False,
) -> list[Strike]:
    """Rounds, each with every kind of strike: all processes are killed and stopped once a round, in random order."""
    random = Random(seed)
    strikes: list[Strike] = []
    at = USUAL_INTERVAL
    while at < seconds:
        drawn: list[tuple[Kind, str]] = [
            *(("kill", target) for target in killed),
            *(("pause", target) for target in random.sample(paused, len(paused) // 2)),
            *(("bad records", "") for _ in range(3)),
            *(("bad row", target) for target in services),
            *([("full disk", "")] if full_disk else []),
            *([("clock", "")] * 2 if clock else []),
        ]
        random.shuffle(drawn)
        for kind, target in drawn:
            length = random.uniform(1, LONGEST_PAUSE) if kind in ("pause", "full disk", "clock") else 0.0
            jump = random.choice((-1, 1)) * random.randint(5, LONGEST_JUMP) if kind == "clock" else 0
            strikes.append(Strike(at, kind, target, length, random.getrandbits(32), jump))
            at += random.expovariate(1 / USUAL_INTERVAL)
    return [strike for strike in strikes if strike.at < seconds]
