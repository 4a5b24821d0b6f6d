"""`guanxi`: production's commands are those of this package alone; the other packages add theirs where they are installed."""

import subprocess
import sys

from guanxi_common.cli import COMMANDS, installed_commands

OF_THE_PROCESS = {"api", "worker", "migrate"}
OF_THE_OPERATOR = {
    "token", "appoint", "verify-audit", "backup", "restore", "restore-drill", "event-key", "restored", "publish-snapshots", "rebuild",
    "kafka-acls",
}  # fmt: skip
OF_A_CHECKOUT = {
    "run", "postgres", "reset", "check-migrations", "write-contracts", "check-contracts", "load-sandbox", "replay",
}  # fmt: skip


def test_production_has_the_commands_that_run_and_mend_an_installation() -> None:
    assert set(COMMANDS) == OF_THE_PROCESS | OF_THE_OPERATOR


def test_a_checkout_has_those_of_every_package() -> None:
    assert set(installed_commands()) == OF_THE_PROCESS | OF_THE_OPERATOR | OF_A_CHECKOUT


def test_a_services_process_loads_nothing_that_production_does_not_have() -> None:
    code = (
        "import sys; from guanxi_common import cli; sys.argv = ['guanxi', 'migrate', '--help']\n"
        "try: cli.main()\n"
        "except SystemExit: print({'faker', 'guanxi_sandbox', 'guanxi_operator', 'guanxi_testing'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
