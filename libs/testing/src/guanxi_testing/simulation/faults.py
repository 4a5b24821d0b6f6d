"""What may go wrong in a world, and how often."""

from dataclasses import dataclass
from random import Random


@dataclass(slots=True)
class Faults:
    """Probabilities per request, record or event; all zero once the world heals."""

    lost: float = 0.0
    ack_lost: float = 0.0
    late: float = 0.0
    duplicated: float = 0.0
    broker_down: float = 0.0
    transaction_lost: float = 0.0
    stalled: float = 0.0
    """A statement hangs; a commit that does so is carried out or not, and nobody hears which."""
    handler_fails: float = 0.0
    handler_slow: float = 0.0
    disorder: float = 0.0
    foreign: float = 0.0
    """Records that nobody can read are on the topics."""
    unstorable: float = 0.0
    """The bookkeeping of an event cannot be stored, some times or always."""
    corrupt: float = 0.0
    """A row of the outbox is damaged for good."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a world is like from its beginning to the operator's acts."""

    mixed: bool
    """Two releases run side by side; the older one knows neither the newer one's rows, nor its versions of events, nor all types."""
    restored: bool
    """The consumers' database is set back once to an earlier state."""
    dead_letter_limit: int


def draw_faults(random: Random) -> Faults:
    """Each fault is absent in some worlds, so that none can hide another."""

    def drawn(highest: float) -> float:
        return random.choice([0.0, random.uniform(0, highest)])

    return Faults(
        lost=drawn(0.1),
        ack_lost=drawn(0.1),
        late=drawn(0.1),
        duplicated=drawn(0.3),
        broker_down=drawn(0.05),
        transaction_lost=drawn(0.03),
        stalled=drawn(0.01),
        handler_fails=drawn(0.15),
        handler_slow=drawn(0.03),
        disorder=random.choice([0.0, 0.0, 0.2]),
        foreign=drawn(0.5),
        unstorable=drawn(0.08),
        corrupt=drawn(0.15),
    )


def draw_setting(random: Random) -> Setting:
    return Setting(random.random() < 0.4, random.random() < 0.3, random.choice([2, 4, 1_000, 1_000]))
