"""`guanxi-scoring`: what an analyst runs on a file of one's own. One module a command; the work is done in the pure slices."""
