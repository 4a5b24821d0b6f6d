"""Related sales (S4): what a customer could buy beside, better or again, and what is held without being used."""
