"""A good request for every operation of the three services, on things that the house for the contract tests has or makes."""
