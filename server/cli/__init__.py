"""The command line: every command in a module of its own, heavy imports only when a command needs them."""

from __future__ import annotations

import gc
import sys

FEW_COLLECTIONS = 100_000
"""Modules and documents stay to the end: looking through them for garbage is a tenth of the start."""


def main() -> None:
    """The console command ``entrygate``."""
    gc.set_threshold(FEW_COLLECTIONS)
    from server.cli.app import run_command

    sys.exit(run_command(sys.argv[1:]))
