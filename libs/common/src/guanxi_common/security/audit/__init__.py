"""The audit log: append-only entries, sealed every second into a Merkle log (RFC 6962) with signed heads."""
