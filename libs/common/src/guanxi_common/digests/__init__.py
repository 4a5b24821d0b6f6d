"""Digests (D20): does a replica or ledger hold what its owner holds? Order-free sums by bucket, compared where the consumer has read."""
