"""Changes of the directory that two people make (D19): proposed by one, decided by another.

Giving or taking a power role, and changing subject, role or activity of its holder, is a proposal until somebody else with
`directory.approve` has approved it. The second person is neither the proposer nor whom it concerns, and neither of the two entered or
changed the other within seven days, so that a puppet of one's own is of no use for a week. A proposal is about one version of its
entry: a change of the entry in between makes it outdated. At least two approvers stay. Decisions follow one another under the
directory's lock.
"""
