"""Expected future activity and value of a customer (S2): BG/NBD, Pareto/NBD, Gamma-Gamma, CLV."""
