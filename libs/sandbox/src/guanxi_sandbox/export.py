"""Writes a part of the data set as a CSV file of the documented form, with the published dates.

`python -m guanxi_sandbox.export --accounts 20 > tests/fixtures/berka_20_accounts.csv`
"""

import argparse
import sys
from pathlib import Path

from guanxi_sandbox.berka import FOLDER, Berka, read_berka
from guanxi_sandbox.cases import named_cases
from guanxi_sandbox.shift import Shift
from guanxi_sandbox.transactions import berka_items, write_dataset


def choose_accounts(data: Berka, count: int) -> set[int]:
    """The accounts of the named cases, then those with the lowest ids, `count` in all."""
    named = [case.account_id for case in named_cases(data)]
    return set([*named, *(account_id for account_id in sorted(data.accounts) if account_id not in named)][:count])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=20, help="how many accounts, the named cases first")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the data set lies")
    options = parser.parse_args()
    data = read_berka(options.folder)
    write_dataset(berka_items(data.only(choose_accounts(data, options.accounts)), Shift()), sys.stdout)


if __name__ == "__main__":
    main()
