"""What a customer agrees to be contacted for (C6): per purpose and channel, given and withdrawn, with how, when and to which text.

Decisions
- A statement is a row that is never changed. The one that the customer made last counts, by purpose and channel, whenever it came in: a
  paper form that is older than a withdrawal is kept and changes nothing. Of one day the withdrawal stands (D5).
- Its `version` is the file's at which it was told.
- A withdrawal acts at once: it is in the next read, and in the snapshot of the same transaction.
- To withdraw needs no text; without channels it is for every one of them, also those that nothing was said of.
"""
