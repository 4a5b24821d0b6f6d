"""`make soak`: a whole deployment under load and faults for some minutes, held against an independent count. Never part of CI."""
