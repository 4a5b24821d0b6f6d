"""What customer-svc owns, summed for those who keep it too, and what scoring-svc says of its ledger (D20)."""
