"""Every model on real public data, beside the figures that others reached there (S2, S3, S4): `make evaluate`."""
