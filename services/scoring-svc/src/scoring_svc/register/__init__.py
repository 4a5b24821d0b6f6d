"""The register of models (S6): trained, back-tested, approved by a second person, active, retired; every step with who, when and why.

A version is never edited: its artefact (text and skops bytes, never pickle) stands with its digest, the description of its training and
its back-test. One version of a name is active and one may be its challenger, which scores in the shadow. A change of the active one
names the version that it replaces, so of two at once one is refused. Drift against the training is measured nightly.
"""
