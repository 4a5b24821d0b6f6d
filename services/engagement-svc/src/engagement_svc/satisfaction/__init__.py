"""How satisfied a customer said to be (E9), thin: an answer as staff heard it, read by its customer. Scoring-svc is told."""
