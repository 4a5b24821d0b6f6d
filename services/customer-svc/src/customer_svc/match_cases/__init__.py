"""Cases for the data desk (D15): somebody filed a customer whose identity document is in a file that they may not see.

- The caller learns that there is such a file, and a case number for the data desk; nothing else. That existence is revealed is
  accepted: at most ten times a business day for each caller, audited and alerted. After the tenth, nothing with an identity document
  is filed by the caller that day, whether it matches or not: a refusal of the matching ones alone would go on telling.
- The same caller and file have one open case, so that a repeated attempt costs the desk no second one (it counts for the limit).
- The desk decides `same_person` (the customer is served in the present file) or `entered_wrongly` (one of the two documents was,
  and has been corrected). A case permits nothing by itself: what was refused is sent again, and matches no more or matches again.
"""
