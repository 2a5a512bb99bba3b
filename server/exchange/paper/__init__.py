"""The embedded venue: recorded candles, a book around the last price, an account, and a clock of its own.

What it serves:

* Candles come from the Parquet files of one folder (``catalogue``): the bundled ones, or those of
  ``PaperOptions.market_data``, which replace the bundled ones. A candle longer than a minute is built from
  1m wherever every minute of it is recorded, else taken from the file of its own timeframe (``history``).
* Contract specifications are data (``specification``): bundled, amended by a folder's ``contracts.json``.
* Book, account and clock are deterministic (``book``, ``account``, ``clock``): the same options, the same
  instant, the same answers.
"""

from server.exchange.paper.options import PaperOptions
from server.exchange.paper.venue import PaperExchange

__all__ = ["PaperExchange", "PaperOptions"]
