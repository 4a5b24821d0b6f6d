"""What a customer holds and held: accounts of core banking, with opening, closing, maturity and the last reported balance."""
