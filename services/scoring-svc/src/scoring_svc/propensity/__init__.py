"""How probably a customer takes up a product, by a model trained on the bank's own book (S4): features, label, and a version at work.

The register calls its models `related_sale:<product code>`. A product without an active version keeps the rule of `related_sales`.
"""
