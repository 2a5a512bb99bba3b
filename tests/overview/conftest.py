"""The way to what other rooms share."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
for shared in (TESTS, TESTS / "orders"):
    if str(shared) not in sys.path:
        sys.path.append(str(shared))
