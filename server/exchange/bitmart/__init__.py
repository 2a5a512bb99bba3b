"""BitMart's USDT-M perpetual futures, REST API v2, as an adapter of the exchange port.

* ``session`` speaks HTTP: keys and signatures (``signing``), the venue's clock (``clock``), request rates
  (``limits`` over the table in ``endpoints``), retries of reads, and what an answer to a write proves
  (``codes``).
* ``wire`` reads JSON strictly; ``enums``, ``contracts`` and ``account`` turn answers into the port's values,
  ``orders`` the port's orders into bodies.
* ``market`` and ``reader`` ask for what is public and what is the account's; ``venue`` puts it together.

Where the documentation leaves a question open, the side that cannot do harm was taken: no error answer is an
empty list, no lost answer is a refusal, a field that reads as something undocumented stops the answer.
"""

from server.exchange.bitmart.options import PRODUCTION, SIMULATED, BitmartOptions, ReadRetries
from server.exchange.bitmart.venue import BitmartExchange

__all__ = ["PRODUCTION", "SIMULATED", "BitmartExchange", "BitmartOptions", "ReadRetries"]
