"""RFM (S1): how recently, how often and for how much a customer acts, in bands of five."""
