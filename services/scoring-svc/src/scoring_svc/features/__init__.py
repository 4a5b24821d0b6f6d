"""What models read of a customer at a business-date cut, and what became of the customer after it (S3, S6).

Features rest on business days up to and including the cut, labels on the days after it alone; a test shifts everything that lies after
the cut and sees no feature move. Horizon and thresholds of the labels are data, kept with every model that was trained by them.
"""
