"""The load, and the count that the services must arrive at: it counts what was acknowledged, and asks nobody."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from guanxi_common.http.client import ApiError
from guanxi_common.ids import new_id
from guanxi_testing.bank import Bank, Member, business_today

from tests.chaos.totals import Sum

ACCOUNTS: Final = 24
BATCH: Final = 20
REVERSED_SHARE: Final = 0.05
CONTACT_SHARE: Final = 0.3
_PAUSE: Final = 0.05
_HOPELESS: Final = frozenset({400, 403, 409, 422})
"""A token is not valid while the clock of the services is off."""


@dataclass
class Acknowledged:
    """What the services have said yes to. A posting is kept by account and its own id, and taken out by its reversal."""

    postings: dict[str, dict[str, tuple[int, date]]] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    """Account number, which is the customer's number too, to the customer's id."""
    contacts: int = 0
    batches: int = 0
    repeated: int = 0

    def totals(self) -> dict[str, Sum]:
        """By account, of those with a posting in force, in the form of `tests.chaos.totals`."""
        return {
            number: (len(held), sum(amount for amount, _ in held.values()), max(day for _, day in held.values()).isoformat())
            for number, held in self.postings.items()
            if held
        }


class Load:
    """Posts and records contacts until it is stopped; a lost answer is asked for again until there is one."""

    def __init__(self, bank: Bank, random: Random) -> None:
        self._bank = bank
        self._random = random
        self._number = 0
        self._rm: Member | None = None
        self.acknowledged = Acknowledged()

    async def prepare(self) -> None:
        """Open the accounts, each of a customer of its own, all of whom one manager looks after."""
        outlet = await self._bank.add_outlet()
        self._rm = await self._bank.add_staff("relationship_manager", outlet)
        for place in range(ACCOUNTS):
            number = f"soak-{place:03}"
            self.acknowledged.customers[number] = await self._bank.add_customer(outlet, self._rm, number)
            self.acknowledged.postings[number] = {}
        await self._bank.open_accounts(list(self.acknowledged.customers))

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._post()
            if self._random.random() < CONTACT_SHARE:
                await self._meet()
            await asyncio.sleep(_PAUSE)

    async def _post(self) -> None:
        posted, taken_back, items = {}, {}, []
        for _ in range(BATCH):
            account = self._random.choice(list(self.acknowledged.customers))
            held = self.acknowledged.postings[account].keys() - {before for _, before in taken_back.values()}
            self._number += 1
            name, day = f"p{self._number}", business_today() - timedelta(days=self._random.randrange(20))
            if held and self._random.random() < REVERSED_SHARE:
                original = self._random.choice(sorted(held))
                taken_back[name] = account, original
                items.append(self._bank.reversal(account, name, day, original))
            else:
                amount = self._random.randint(-900_000, 1_000_000) or 1
                posted[name] = account, amount, day
                items.append(self._bank.posting(account, name, day, amount, "card" if amount < 0 else "cash_deposit"))
        statuses = await self._until_answered(lambda: self._bank.post(items))
        if not {*statuses} <= {"created", "duplicate"}:
            raise AssertionError(f"the intake has answered {sorted({*statuses})}")
        self.acknowledged.batches += 1
        self.acknowledged.repeated += statuses.count("duplicate")
        for name, (account, amount, day) in posted.items():
            self.acknowledged.postings[account][name] = amount, day
        for account, original in taken_back.values():
            del self.acknowledged.postings[account][original]

    async def _meet(self) -> None:
        assert self._rm is not None
        customer = self._random.choice(list(self.acknowledged.customers.values()))
        body = {
            "customer_id": customer,
            "method": "phone",
            "purpose": "care",
            "occurred_at": datetime.now(UTC).isoformat(),
            "content": "问候",
            "result": "reached_neutral",
        }
        api, key = self._bank.api("engagement", self._rm.subject), new_id()
        await self._until_answered(lambda: self._record(api, body, key))
        self.acknowledged.contacts += 1

    @staticmethod
    async def _record(api: Any, body: dict[str, Any], key: UUID) -> Any:
        return await api.post("/v1/interactions", body, key=key)

    @staticmethod
    async def _until_answered(call: Any) -> Any:
        """The answer; what passes by itself (an outage, a customer who is not known there yet) is waited for."""
        while True:
            try:
                return await call()
            except ApiError as error:
                if error.status in _HOPELESS:
                    raise
                await asyncio.sleep(0.5)
