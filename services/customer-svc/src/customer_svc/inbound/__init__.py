"""What the intake from Kafka would not take: over HTTP the caller is told at once, here the refusals are kept and can be listed. Kept too
are the refusals that come after the answer, whichever way the item came: a reversal that a later item shows to be wrong.

A refusal is business (an unknown currency, other content under the same id), so it holds up nobody; what cannot be read is a dead letter.
"""
