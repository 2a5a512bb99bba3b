"""What comes with the product, wherever it is installed. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path


def shipped_rules() -> Path:
    """The shipped rules: inside the installed package, or beside ``engine`` in a checkout."""
    import engine

    package = Path(engine.__file__).resolve().parent
    installed = package / "_data" / "rules"
    return installed if installed.is_dir() else package.parent / "rules"
