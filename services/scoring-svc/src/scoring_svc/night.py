"""When the night's work is due."""

from datetime import time
from typing import Final

NIGHT_BEGINS: Final = time(2)
"""Local time of the bank."""
