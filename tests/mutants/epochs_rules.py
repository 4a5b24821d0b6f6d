"""The rules of D20: epochs, snapshots published anew, rebuilds from the bus."""

from typing import Final

from tests.mutants.rules import INTEGRATION, POLICY, RELAY, Rule

DIRECTORY: Final = f"{INTEGRATION}/security/test_directory.py::test_d20_every_replica_takes_a_lower_version_of_a_later_epoch"

_epochs = (
    Rule(
        "the first change of a later epoch is a baseline",
        "guanxi_common/messaging/policy.py",
        "version.epoch == last.epoch and version.number > last.number + 1",
        "version.number > last.number + 1",
        POLICY,
    ),
    Rule(
        "a later epoch ends the waiting of an earlier one",
        "guanxi_common/messaging/policy.py",
        '            self._drop(waiting.pop(outlived), "stale")\n',
        "            break\n",
        POLICY,
    ),
    Rule(
        "versions of a later epoch are newer whatever their number",
        "guanxi_common/messaging/policy.py",
        "    if version <= last:",
        "    if version.number <= last.number:",
        POLICY,
    ),
    Rule(
        "the epoch travels with changes and snapshots",
        "guanxi_common/messaging/outbox/append.py",
        "    epoch = FIRST_EPOCH if version is None else await epoch_in_force(uow)",
        "    epoch = FIRST_EPOCH",
        f"{RELAY}::test_d20_what_has_a_version_carries_the_epoch_in_force_tombstones_too_and_facts_do_not",
    ),
    Rule(
        "a tombstone carries the epoch too",
        "guanxi_common/messaging/outbox/append.py",
        "    epoch = await epoch_in_force(uow)",
        "    epoch = FIRST_EPOCH",
        f"{RELAY}::test_d20_what_has_a_version_carries_the_epoch_in_force_tombstones_too_and_facts_do_not",
    ),
    Rule(
        "a replica of the book compares epochs before versions",
        "guanxi_common/security/directory/repository.py",
        "kept.customer_id = new.customer_id AND (kept.epoch, kept.version) <= (new.epoch, new.version)",
        "kept.customer_id = new.customer_id AND kept.version <= new.version",
        DIRECTORY,
    ),
    Rule(
        "who comes back in the batch of its tombstone stays",
        "guanxi_common/messaging/envelope.py",
        "    return list(newest.values())",
        "    return list(events)",
        DIRECTORY,
    ),
)

EPOCHS_RULES: Final = _epochs
