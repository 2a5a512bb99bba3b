"""BitMart's error codes with their HTTP status and text, and its documented rate limits."""

from __future__ import annotations

ERRORS: dict[int, tuple[int, str]] = {
    30000: (404, "Not found"),
    30001: (401, "Header X-BM-KEY is empty"),
    30002: (401, "Header X-BM-KEY not found"),
    30003: (401, "Header X-BM-KEY has frozen"),
    30004: (401, "Header X-BM-SIGN is empty"),
    30005: (401, "Header X-BM-SIGN is wrong"),
    30006: (401, "Header X-BM-TIMESTAMP is empty"),
    30007: (401, "Header X-BM-TIMESTAMP range. Within a minute"),
    30008: (401, "Header X-BM-TIMESTAMP invalid format"),
    30010: (403, "IP is forbidden"),
    30011: (403, "Header X-BM-KEY over expire time"),
    30012: (403, "Header X-BM-KEY is forbidden to request it"),
    30013: (429, "Request too many requests"),
    30014: (503, "Service unavailable"),
    30016: (200, "Service maintenance, the function is temporarily unavailable"),
    30017: (418, "Your account request is temporarily rejected due to violation of current limiting rules"),
    30018: (503, "Request Body requires JSON format"),
    30019: (200, "You do not have the permissions to perform this operation"),
    30030: (200, "Futures V1 API has been deprecated"),
    30031: (200, "This endpoint has been deprecated"),
    40001: (400, "Cloud account not found"),
    40007: (400, "Parse parameter error"),
    40011: (400, "Invalid request"),
    40012: (400, "System error"),
    40013: (400, "Access too often"),
    40014: (400, "This contract is offline"),
    40015: (400, "This contract's exchange has been paused"),
    40016: (400, "This order would trigger user position liquidate"),
    40017: (400, "It is not possible to open and close simultaneously in the same position"),
    40018: (400, "Your position is closed"),
    40019: (400, "Your position is in liquidation delegating"),
    40020: (400, "Your position volume is not enough"),
    40021: (400, "The position is not exsit"),
    40022: (400, "The position is not isolated"),
    40026: (400, "You cross margin position is in liquidation delegating"),
    40027: (400, "You contract account available balance not enough"),
    40028: (400, "Your plan order's count is more than system maximum limit."),
    40029: (400, "The order's leverage is too large."),
    40030: (400, "The order's leverage is too small."),
    40031: (400, "The deviation between current price and trigger price is too large."),
    40032: (400, "The plan order's life cycle is too long."),
    40033: (400, "The plan order's life cycle is too short."),
    40034: (400, "The Symbol is not exist"),
    40035: (400, "The order is not exist"),
    40036: (400, "The order status is invalid"),
    40037: (400, "The order id is not exist"),
    40038: (400, "The k-line step is invalid"),
    40039: (400, "The timestamp is invalid"),
    40040: (400, "The order leverage is invalid"),
    40041: (400, "The order side is invalid"),
    40042: (400, "The order type is invalid"),
    40043: (400, "The order precision is invalid"),
    40044: (400, "The order range is invalid"),
    40045: (400, "The order open type is invalid"),
    40046: (403, "The account is not opened futures"),
    40047: (403, "Services is not available in you countries and areas"),
    40048: (403, "ClientOrderId only allows a combination of numbers and letters"),
    40049: (403, "The maximum length of clientOrderId cannot exceed 32"),
    40050: (403, "Client OrderId duplicated with existing orders"),
    40059: (400, "The position mode cannot be switched now"),
    42000: (200, "Insufficient balance"),
    49998: (400, "Invalid parameter"),
}
"""code -> (HTTP status, message). A client must go by the code."""


class ApiError(Exception):
    """A request that is answered with ``code``; ``detail`` goes behind the documented message."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{code} {detail}")
        self.code = code
        self.detail = detail

    @property
    def status(self) -> int:
        return ERRORS.get(self.code, (400, ""))[0]

    @property
    def message(self) -> str:
        text = ERRORS.get(self.code, (400, "Invalid request"))[1]
        return f"{text}: {self.detail}" if self.detail else text


LIMITS: dict[str, tuple[int, int]] = {
    "/system/time": (10, 1),
    "/system/service": (10, 1),
    "/contract/public/details": (12, 2),
    "/contract/public/depth": (12, 2),
    "/contract/public/open-interest": (2, 2),
    "/contract/public/funding-rate": (12, 2),
    "/contract/public/kline": (12, 2),
    "/contract/public/markprice-kline": (12, 2),
    "/contract/public/leverage-bracket": (12, 2),
    "/contract/public/market-trade": (12, 2),
    "/contract/private/submit-order": (24, 2),
    "/contract/private/cancel-order": (40, 2),
    "/contract/private/cancel-orders": (2, 2),
    "/contract/private/submit-plan-order": (24, 2),
    "/contract/private/cancel-plan-order": (40, 2),
    "/contract/private/submit-tp-sl-order": (24, 2),
    "/contract/private/modify-plan-order": (24, 2),
    "/contract/private/modify-preset-plan-order": (24, 2),
    "/contract/private/modify-tp-sl-order": (24, 2),
    "/contract/private/modify-limit-order": (24, 2),
    "/contract/private/cancel-all-after": (4, 2),
    "/contract/private/set-position-mode": (2, 2),
    "/contract/private/get-position-mode": (2, 2),
    "/contract/private/get-open-orders": (50, 2),
    "/contract/private/order": (50, 2),
    "/contract/private/order-history": (6, 2),
    "/contract/private/trades": (6, 2),
    "/contract/private/transaction-history": (6, 2),
    "/contract/private/assets-detail": (12, 2),
    "/contract/private/position": (6, 2),
    "/contract/private/position-v2": (6, 2),
    "/contract/private/position-risk": (24, 2),
    "/contract/private/submit-leverage": (24, 2),
    "/contract/private/current-plan-order": (50, 2),
    "/contract/private/trade-fee-rate": (2, 2),
}
"""path -> (requests, seconds): per address for public paths, per key for private ones."""
