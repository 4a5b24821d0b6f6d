"""A tier as a caller sees it. Money in minor units."""

from datetime import date, datetime

from guanxi_common.http.bodies import Answer
from guanxi_common.money import Money


class TierNameOut(Answer):
    code: str
    zh: str
    en: str


class TierChangeOut(Answer):
    """One move, to `tier` (null: to none), and the assets by which it was judged."""

    tier: str | None
    before: str | None
    effective_on: date
    assets: list[Money]
    standard_version: int
    recorded_at: datetime


class CustomerTierOut(Answer):
    """`tier` null: the customer has none; `since` null: and never had one.

    `below_since`: from when on the assets have not reached the tier; it is lost on `lost_on` if they stay there. `changes`: the last
    one first, the latest fifty.
    """

    tier: TierNameOut | None
    since: date | None
    below_since: date | None
    lost_on: date | None
    standard_version: int
    changes: list[TierChangeOut]
