"""The customer as the other services replicate it (D7): facets, each on a compacted topic of its own and told only when it changes.

A slice that changes what a facet holds stores its change and names the facet (`service.tell`); it gives its part in `parts`. The version
of a facet counts on by itself, in the row that also lets one writer of it in at a time. `customers.changes` says how a change of a file's
version and its facet go together. Decisions: ADR 57.
"""
