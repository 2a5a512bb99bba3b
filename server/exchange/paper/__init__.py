"""The embedded venue: recorded candles, a book around the last price, an account, and a clock of its own.

What it serves:

* Candles come from the Parquet files of one folder (``catalogue``): the bundled ones, or those of
  ``PaperOptions.market_data``, which replace the bundled ones. A candle longer than a minute is built from
  1m wherever every minute of it is recorded, else taken from the file of its own timeframe (``history``).
* Contract specifications are data (``specification``): bundled, amended by a folder's ``contracts.json``.
* Orders are taken or refused (``admission``, ``desk``) against the book of the venue's now, and matched with
  every candle that closes after that (``matching``, ``account``). The market within a candle is not known
  before it has closed: until then the book stands at the close before it.
* The account is one document (``state``) that a ledger keeps in memory or in the database (``ledger``,
  ``register``), with the clock that several processes share (``session``).
* Everything is deterministic: the same options, the same requests at the same instants, the same answers.
"""

from server.exchange.paper.clock import ManualClock
from server.exchange.paper.ledger import Ledger, MemoryLedger, TableLedger
from server.exchange.paper.options import PaperOptions
from server.exchange.paper.venue import PaperExchange

__all__ = ["Ledger", "ManualClock", "MemoryLedger", "PaperExchange", "PaperOptions", "TableLedger"]
