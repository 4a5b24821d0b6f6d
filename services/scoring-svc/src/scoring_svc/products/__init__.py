"""The product catalogue as scoring reads it: a replica of customer-svc's."""
