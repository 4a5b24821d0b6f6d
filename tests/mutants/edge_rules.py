"""The rules of the edge: connections, sockets, stored answers, and the issuer's keys."""

from typing import Final

from tests.mutants.rules import INTEGRATION, Rule

CANCELLED: Final = f"{INTEGRATION}/db/test_d18_cancelled_calls.py"


def _db(file: str) -> str:
    return f"guanxi_common/db/{file}"


_connections = (
    Rule(
        "D18: a BEGIN in doubt ends its connection",
        _db("uow.py"),
        "                was_lost = driver.is_closed()\n                driver.terminate()\n",
        "                was_lost = driver.is_closed()\n",
        f"{CANCELLED}::test_a_server_process_that_stands_still_is_left_behind[begin]",
    ),
    Rule(
        "D18: a single statement in doubt ends its connection",
        _db("uow.py"),
        "                if isinstance(error, TimeoutError) or not isinstance(error, Exception):\n                    driver.terminate()\n",
        "",
        f"{CANCELLED}::test_a_server_process_that_stands_still_is_left_behind[one statement]",
    ),
    Rule(
        "D18: a transaction that was left open goes to nobody",
        _db("uow.py"),
        "not driver.is_closed() and not driver.is_in_transaction()",
        "not driver.is_closed()",
        f"{CANCELLED}::test_a_transaction_that_was_left_open_goes_to_nobody",
    ),
    Rule(
        "D18: a savepoint undoes what its block wrote",
        _db("uow.py"),
        'await self.driver.execute("ROLLBACK TO SAVEPOINT block; RELEASE SAVEPOINT block")',
        'await self.driver.execute("RELEASE SAVEPOINT block")',
        f"{CANCELLED}::test_a_savepoint_undoes_its_block_and_nothing_else",
    ),
    Rule(
        "D18: a savepoint undoes the wake-ups of its block",
        _db("uow.py"),
        "                del self._after_commit[wanted[1] :]\n",
        "",
        f"{CANCELLED}::test_a_savepoint_undoes_its_block_and_nothing_else",
    ),
)

EDGE_RULES: Final = _connections
