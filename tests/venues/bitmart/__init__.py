"""BitMart's futures v2 REST interface as a local server, written from the document and not from a client.

It keeps accounts, orders, positions, triggers and money; a test drives its market and its clock, and makes
replies get lost. See `BitMart`, `Direct` (httpx without sockets) and `serving` (a loopback port).
"""

from .auth import Key, signature
from .candles import Candle, Folder, Rows, Waves
from .clock import Clock
from .faults import Fault, Faults
from .server import DEMO_KEY, BitMart
from .serving import serving
from .transport import Direct
from .venue import Options, Venue

__all__ = [
    "DEMO_KEY",
    "BitMart",
    "Candle",
    "Clock",
    "Direct",
    "Fault",
    "Faults",
    "Folder",
    "Key",
    "Options",
    "Rows",
    "Venue",
    "Waves",
    "serving",
    "signature",
]
