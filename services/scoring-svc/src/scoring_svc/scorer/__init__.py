"""The scorer: takes customers off the queue, scores them, raises their signals, tells what has changed; and the nightly comparison (S6)."""
