"""What scoring knows of a customer beside the ledger: risk profile, consents, contact limits, vulnerability, preferred channels."""
