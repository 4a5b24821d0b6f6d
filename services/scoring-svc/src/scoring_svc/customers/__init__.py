"""What scoring knows of a customer beside the ledger: risk profile, consents, vulnerability, preferred channels, tier."""
