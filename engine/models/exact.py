"""Numbers of YAML that money is computed with: floats in the document, exact decimals in the model."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


def exact(number: float) -> Decimal:
    """The shortest decimal that reads back as ``number``: 0.1 becomes exactly ``Decimal("0.1")``."""
    return Decimal(repr(float(number)))


@dataclass(frozen=True, slots=True)
class Exact:
    """Annotation of a ``Decimal`` field that is written as a finite YAML number within bounds."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.float_schema(
            strict=True, allow_inf_nan=False, ge=self.ge, gt=self.gt, le=self.le, lt=self.lt
        )
        return core_schema.no_info_after_validator_function(
            exact,
            number,
            serialization=core_schema.plain_serializer_function_ser_schema(float, when_used="json"),
        )
