"""The product catalogue (C17), thin: products in dated versions, told as they come into force. Scoring-svc ranks by its replica."""
