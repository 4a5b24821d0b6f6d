"""Sums of a customer's postings, arranged for a reader. Pure; money in minor units."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Figures:
    """What the postings of a group add up to: both flows without a sign, the business dates with a posting, and the last of them."""

    count: int
    inflow_minor: int
    outflow_minor: int
    active_days: int
    last_on: date


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one window and currency, narrowed to a product where `of_product`, to a class where `of_class`.

    `product_code` None in a group of a product: the accounts whose product is not known.
    """

    window_days: int
    currency: str
    of_product: bool
    of_class: bool
    product_code: str | None
    activity_class: str | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class ClassSum:
    activity_class: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class ProductSum:
    product_code: str | None
    total: Figures
    by_class: tuple[ClassSum, ...]


@dataclass(frozen=True, slots=True)
class WindowSum:
    """One currency within one window. Days and dates do not add up over products and classes, so each sum has its own."""

    currency: str
    window_days: int
    total: Figures
    by_class: tuple[ClassSum, ...]
    by_product: tuple[ProductSum, ...]


def arrange(groups: Iterable[Group]) -> list[WindowSum]:
    """By currency, window, product (the unknown one last) and class, each ascending; what had no posting is left out."""
    known = list(groups)
    return [
        WindowSum(one.currency, one.window_days, one.figures, tuple(_classes(known, one)), tuple(_products(known, one)))
        for one in sorted(known, key=lambda group: (group.currency, group.window_days))
        if not (one.of_product or one.of_class)
    ]


def _products(groups: Iterable[Group], whole: Group) -> Iterator[ProductSum]:
    for one in sorted(_within(groups, whole, of_class=False), key=lambda group: (group.product_code is None, group.product_code)):
        if one.of_product:
            yield ProductSum(one.product_code, one.figures, tuple(_classes(groups, one)))


def _classes(groups: Iterable[Group], whole: Group) -> Iterator[ClassSum]:
    """The classes of a group of no class: of the whole, or of one product."""
    within = [
        (one.activity_class, one.figures)
        for one in _within(groups, whole, of_class=True)
        if (one.of_product, one.product_code) == (whole.of_product, whole.product_code) and one.activity_class is not None
    ]
    for activity_class, figures in sorted(within, key=lambda pair: pair[0]):
        yield ClassSum(activity_class, figures)


def _within(groups: Iterable[Group], whole: Group, *, of_class: bool) -> Iterator[Group]:
    return (
        one
        for one in groups
        if (one.currency, one.window_days) == (whole.currency, whole.window_days) and one.of_class is of_class
    )
