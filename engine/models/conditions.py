"""Kind ``conditions``: the catalogue of named conditions, and the shape of references to them.

A *tree* is what a profile's scenario or a composed condition is made of::

    name                                  a condition
    name: {param: value}                  with parameters
    name: value                           when the condition has exactly one parameter
    all_of: [tree, …]   any_of: [tree, …]   not: tree
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel, model_validator

from engine.models.base import Document, ExpressionText, Model, Name, Summary, Timeframe, Unit

Number = int | float
"""A number of YAML; booleans and texts are refused by the strict models."""

Setting = int | float | bool
"""What a parameter can be set to: a number, or yes or no where its unit is ``flag``."""

JUNCTIONS = ("all_of", "any_of", "not")
"""Keys that build trees; no condition may bear one of these names."""


class Parameter(Model):
    """What a reference may set: its default, its unit, and the bounds that every value must keep.

    Of unit ``flag`` it is true or false and has no bounds.
    """

    default: Setting
    unit: Unit
    minimum: Number | None = None
    maximum: Number | None = None
    by_timeframe: dict[Timeframe, Setting] = Field(default_factory=dict[Timeframe, Setting])
    summary: str | None = None


class AllOf(Model):
    """Passes when every member passes."""

    all_of: list[Tree] = Field(min_length=1)


class AnyOf(Model):
    """Passes when one member passes."""

    any_of: list[Tree] = Field(min_length=1)


class Not(Model):
    """Passes when its member fails; unknown stays unknown."""

    not_: Tree = Field(alias="not")


class Reference(RootModel[dict[Name, Number | dict[Name, Setting]]]):
    """A condition with parameters: one key, its value a number or a map of settings."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        json_schema_extra={
            "minProperties": 1,
            "maxProperties": 1,
            "propertyNames": {"not": {"enum": list(JUNCTIONS)}},
        },
    )

    @model_validator(mode="after")
    def _one_name(self) -> Reference:
        if len(self.root) != 1:
            raise ValueError("a reference has one condition name; write each condition as its own list item")
        if self.name in JUNCTIONS:
            raise ValueError(f"'{self.name}' needs a tree, not parameters")
        return self

    @property
    def name(self) -> str:
        """The condition referred to."""
        return next(iter(self.root))

    @property
    def argument(self) -> Number | dict[str, Setting]:
        """A single value, or values by parameter name."""
        return next(iter(self.root.values()))


Tree = Annotated[Name | AllOf | AnyOf | Not | Reference, Field(union_mode="left_to_right")]


class Expressed(Model):
    """A condition written as an expression.

    ``requires`` says which values fit together. It is held when they are linked and decides nothing
    afterwards, so it is no part of what a fingerprint is made of.
    """

    summary: Summary | None = None
    params: dict[Name, Parameter] = Field(default_factory=dict)
    requires: ExpressionText | None = Field(default=None, exclude=True)
    when: ExpressionText


class ComposedAll(Model):
    """A condition that needs all of its members."""

    summary: Summary | None = None
    all_of: list[Tree] = Field(min_length=1)


class ComposedAny(Model):
    """A condition that needs one of its members."""

    summary: Summary | None = None
    any_of: list[Tree] = Field(min_length=1)


class ComposedNot(Model):
    """The contrary of another condition."""

    summary: Summary | None = None
    not_: Tree = Field(alias="not")


ConditionDefinition = Annotated[
    Expressed | ComposedAll | ComposedAny | ComposedNot, Field(union_mode="left_to_right")
]


class ConditionsDocument(Document):
    """Conditions that any profile may use."""

    kind: Literal["conditions"]
    conditions: dict[Name, ConditionDefinition] = Field(min_length=1)


for _model in (AllOf, AnyOf, Not, ComposedAll, ComposedAny, ComposedNot):
    _model.model_rebuild()
