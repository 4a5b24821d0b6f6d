"""Offline verification of an export: needs the file, and from elsewhere the signer's public key and heads kept earlier (anchors).

A whole export is hashed anew entry by entry and compared with every signed head: a changed, removed, inserted or reordered entry
below the last head is found. A partial one is checked by RFC 6962 proofs. What it cannot find: see docs/guides/audit.md.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from guanxi_common.security.audit.heads import Head, entry_leaf
from guanxi_common.security.audit.merkle import Frontier, consistency_holds, inclusion_holds


@dataclass(slots=True)
class Report:
    """What was found. The log holds if `problems` is empty. `last` is the newest good head: keep it as the next anchor."""

    entries: int = 0
    heads: int = 0
    last: Head | None = None
    public_keys: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def verify(lines: Iterable[str], *, public_keys: Sequence[bytes] = (), anchors: Sequence[Head] = ()) -> Report:
    """Check an export. Without `public_keys` every signature is held against the key that stands in the file itself, which proves
    only that the file agrees with itself.
    """
    report = Report()
    checker: _Whole | _Partial | None = None
    for number, line in enumerate(lines, start=1):
        try:
            item = json.loads(line)
            if checker is None:
                checker = (_Whole if item["whole"] else _Partial)(report, item["log"], public_keys, anchors)
            else:
                checker.take(item)
        except (ValueError, KeyError, TypeError, AttributeError):
            report.problems.append(f"line {number} is not a line of an export")
            return report
        if checker.broken:
            break
    if checker is None:
        report.problems.append("the file is empty")
    elif not checker.broken:
        checker.finish()
    return report


class _Checker:
    """What both kinds of export share."""

    def __init__(self, report: Report, log: str, public_keys: Sequence[bytes], anchors: Sequence[Head]) -> None:
        self.report = report
        self.log = log
        self.keys = public_keys
        self.anchors = list(anchors)
        self.broken = False

    def fault(self, problem: str) -> None:
        self.report.problems.append(problem)

    def take_head(self, item: dict[str, Any]) -> Head:
        """Read a head and check its name and signature."""
        head = Head.of_json(item)
        self.report.heads += 1
        self.report.public_keys.add(head.public_key.hex())
        if head.log != self.log:
            self.fault(f"the head at size {head.size} is of another log")
        if self.keys and head.public_key not in self.keys:
            self.fault(f"the head at size {head.size} is signed with a key that is not the given one")
        elif not head.is_signed():
            self.fault(f"the signature of the head at size {head.size} does not hold")
        return head


class _Whole(_Checker):
    """Hashes the whole log anew, in O(log n) memory."""

    def __init__(self, report: Report, log: str, public_keys: Sequence[bytes], anchors: Sequence[Head]) -> None:
        super().__init__(report, log, public_keys, anchors)
        self.tree = Frontier()
        self.good = 0

    def take(self, item: dict[str, Any]) -> None:
        self._check_anchors()
        if item["kind"] == "head":
            self._take_head(item)
        else:
            self._take_entry(item)

    def finish(self) -> None:
        self._check_anchors()
        for anchor in self.anchors:
            self.fault(f"the log ends at {self.tree.size} entries, but a head of {anchor.size} entries was known before")
        if self.tree.size > self.good:
            self.fault(f"entries {self.good} to {self.tree.size - 1} are under no head that holds")

    def _take_entry(self, item: dict[str, Any]) -> None:
        seq = int(item["seq"])
        if seq != self.tree.size:
            # Nothing after a gap can be hashed, so this is the last that can be said.
            self.fault(f"entry {self.tree.size} is missing: the next is {seq}")
            self.broken = True
            return
        if entry_leaf(item["entry"]) != bytes.fromhex(item["leaf"]):
            self.fault(f"entry {seq} was changed after it was sealed")
        # The leaf as it was sealed, so that the heads tell whether that was changed too.
        self.tree.append(bytes.fromhex(item["leaf"]))
        self.report.entries += 1

    def _take_head(self, item: dict[str, Any]) -> None:
        head = self.take_head(item)
        if head.size != self.tree.size:
            self.fault(f"entries {self.tree.size} to {head.size - 1} are missing: the head at size {head.size} covers them")
            self.broken = True
        elif head.root != self.tree.root:
            self.fault(f"entries {self.good} to {head.size - 1} are not those that were signed in the head at size {head.size}")
        else:
            self.good = head.size
            self.report.last = head

    def _check_anchors(self) -> None:
        for anchor in [one for one in self.anchors if one.size == self.tree.size]:
            self.anchors.remove(anchor)
            if anchor.log != self.log or anchor.root != self.tree.root:
                self.fault(f"the first {anchor.size} entries are not those of the head that was known before")


class _Partial(_Checker):
    """Checks proofs against the one head of the export."""

    def __init__(self, report: Report, log: str, public_keys: Sequence[bytes], anchors: Sequence[Head]) -> None:
        super().__init__(report, log, public_keys, anchors)
        self.head: Head | None = None

    def take(self, item: dict[str, Any]) -> None:
        if item["kind"] == "head":
            self.head = self.report.last = self.take_head(item)
            return
        if self.head is None:
            raise ValueError("proofs come after the head")
        proof = [bytes.fromhex(one) for one in item["proof"]]
        if item["kind"] == "consistency":
            self._take_consistency(self.head, int(item["size"]), proof)
        else:
            self.report.entries += 1
            if not inclusion_holds(entry_leaf(item["entry"]), int(item["seq"]), self.head.size, proof, self.head.root):
                self.fault(f"entry {item['seq']} is not in the signed log")

    def finish(self) -> None:
        if self.head is None:
            self.fault("the export has no head")
        for anchor in self.anchors:
            self.fault(f"nothing shows that the log goes on from the head of {anchor.size} entries that was known before")

    def _take_consistency(self, head: Head, size: int, proof: Sequence[bytes]) -> None:
        for anchor in [one for one in self.anchors if one.size == size]:
            self.anchors.remove(anchor)
            if anchor.log != self.log or not consistency_holds(size, head.size, anchor.root, head.root, proof):
                self.fault(f"the log does not go on from the head of {size} entries that was known before")
