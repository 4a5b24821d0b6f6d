"""What the operator of a simulated world does: with what cannot be published, with dead letters, with paused partitions."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from guanxi_common.messaging.bus import Record
from guanxi_contracts.codec import decode

from guanxi_testing.simulation.broker import SimulatedBroker
from guanxi_testing.simulation.checks import Ledger
from guanxi_testing.simulation.storage import Letter, SimulatedDatabase

RAISED_LIMIT: Final = 10_000


class Operator:
    """Acts once the causes are gone: the newer release runs everywhere, and what an event met with is cured event by event."""

    def __init__(self, database: SimulatedDatabase, broker: SimulatedBroker, ledger: Ledger) -> None:
        self._database = database
        self._broker = broker
        self._ledger = ledger
        self.cured: set[UUID] = set()

    def clear_outbox(self) -> None:
        """Skip the rows that stay unreadable, and send all that was blocked again, in order."""
        tables = self._database.tables
        for sequence in tables.corrupt_rows & tables.outbox.keys():
            row = tables.outbox.pop(sequence)
            self._ledger.given_up.update(
                _id_of(Record(row.topic, 0, 0, one.key, one.value, one.headers, 0)) for one in row.records
            )
        self._broker.refused.clear()
        self._database.unblock()

    def settle(self) -> bool:
        """Settle every open dead letter, and resume what stands still; whether there was anything to do."""
        tables = self._database.tables
        paused = tables.paused()
        for at in paused:
            tables.pauses[at] = replace(tables.pauses[at], limit=RAISED_LIMIT, resumed=True)
        open_letters = [letter for letter in tables.letters.values() if letter.resolution is None]
        for letter in open_letters:
            self._settle(letter)
        return bool(paused or open_letters)

    def _settle(self, letter: Letter) -> None:
        if letter.event_id is None or self._ledger.poisoned.get(letter.event_id) == "skip":
            letter.resolution = "skipped"
            return
        self.cured.add(letter.event_id)
        self._database.unstorable.pop(letter.event_id, None)
        letter.replay_requested = True


def _id_of(record: Record) -> UUID:
    return decode(record).id
