"""The rules engine of Entrygate: pure. It reads no network, database, clock or environment.

From top to bottom: ``verdict`` and ``explain`` over ``ruleset``, ``gates``, ``rules``, ``expression``,
``truth``; beside them ``candles``, ``indicators``, ``facts``; under everything ``documents`` and ``models``.
"""

__version__ = "0.1.0"
