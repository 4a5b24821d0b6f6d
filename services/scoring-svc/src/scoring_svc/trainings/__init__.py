"""Trainings of models on the bank's own book, back-tested, and the drift of those in use (S6). The register keeps what comes of them.

What only a training needs is imported when there is one, for it takes seconds.
"""
