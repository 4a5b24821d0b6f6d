"""What scoring-svc keeps of customer-svc, compared with what that holds (D20)."""
