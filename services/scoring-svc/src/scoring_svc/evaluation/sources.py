"""The public data sets as they stand in a checkout; each folder's ORIGIN.md says where they are from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from scoring_svc.training.table import RawTable, open_text, read_raw


@dataclass(frozen=True, slots=True)
class Sources:
    """The folders of one checkout. `raw_berka` holds the bank's own tables, `data` everything else."""

    data: Path
    raw_berka: Path

    @staticmethod
    def of_checkout(root: Path) -> "Sources":
        return Sources(root / "services" / "scoring-svc" / "tests" / "data", root / "deploy" / "sandbox" / "berka")

    def table(self, name: str) -> RawTable:
        """A CSV below `data`, such as `caravan/Caravan.csv.xz`. Raises `InvalidFile`, or `OSError` where it is missing."""
        with lines_of(self.data / name) as lines:
            return read_raw(lines)

    def berka(self, name: str) -> RawTable:
        """One of the bank's tables: account, card, client, disp, district, loan."""
        with lines_of(self.raw_berka / f"{name}.asc.xz") as lines:
            return read_raw(lines)


@contextmanager
def lines_of(path: Path) -> Iterator[Iterator[str]]:
    with path.open("rb") as file:
        yield open_text(file, path)


def short_day(text: str) -> int:
    """`YYMMDD`, perhaps with a time behind it, of the last century as a day number."""
    return date(1900 + int(text[:2]), int(text[2:4]), int(text[4:6])).toordinal()


def birth(number: str) -> tuple[int, bool]:
    """The day number in a Czech birth number, and whether it is a woman's (month + 50)."""
    month = int(number[2:4])
    woman = month > 50
    return date(1900 + int(number[:2]), month - 50 * woman, int(number[4:6])).toordinal(), woman
