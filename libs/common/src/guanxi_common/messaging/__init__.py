"""The event fabric: envelopes, the bus and its two back ends, outbox and relay, inbox and consumer runner, dead letters."""
