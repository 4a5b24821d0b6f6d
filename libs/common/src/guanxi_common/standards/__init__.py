"""Procedures as data (X5, D6): versioned standards with author, reason, approver and the instant from which they count.

Decisions
- A *kind* is what a slice asks for by type: `standards[TierStandard]`. Its versions ship with the package or were approved in the bank;
  customer-svc owns all of them, and `standard.snapshot` carries each to every service. A version is never edited and never removed: a
  stored result names the version it was made with and must come out the same again.
- The version *in force* counts, not the newest (`policy.in_force`). It changes with the clock while processes run; nobody restarts.
- `Register` knows the versions of one service's kinds and answers with `Standards`, which are those of one moment: whoever works through
  one call or one transaction takes them once, so that the rules do not change under the work.
- Each process reads the versions from its own database every few seconds. With the bus away the last known ones hold.
- A version that the service cannot use (it passes the schema, and breaks a rule of the code) is never in force there: the one before it
  goes on, and a metric tells.
"""

from guanxi_common.standards.kinds import Kind
from guanxi_common.standards.policy import StandardVersion
from guanxi_common.standards.register import Register, Standards
from guanxi_common.standards.shipped import S, Standard, load_standards, parse_standards, standard_of, standard_on

__all__ = [
    "Kind",
    "Register",
    "S",
    "Standard",
    "StandardVersion",
    "Standards",
    "load_standards",
    "parse_standards",
    "standard_of",
    "standard_on",
]
