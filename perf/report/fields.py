"""The keys of summary.json: how each is read from a result, and its JSON Schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Generic, TypeVar

from perf.report.formatting import finite
from perf.stats import Estimate

S = TypeVar("S")
T = TypeVar("T")
Schema = Mapping[str, object]

_DIGITS = 7  # what follows is noise
_LARGE, _DIGITS_OF_LARGE = 1e6, 10  # so that bytes of a few GiB are exact

TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"$ref": "#/$defs/count"}
AMOUNT: Schema = {"$ref": "#/$defs/amount"}
BYTES: Schema = {"$ref": "#/$defs/bytes"}
TEXTS: Schema = {"$ref": "#/$defs/texts"}
ESTIMATE: Schema = {"$ref": "#/$defs/estimate"}

DEFINITIONS: Mapping[str, Schema] = {
    "count": {"type": "integer", "minimum": 0},
    "amount": {"type": ["number", "null"], "minimum": 0},
    "bytes": {"type": ["integer", "null"], "minimum": 0},
    "texts": {"type": "object", "additionalProperties": {"type": "string"}},
    "estimate": {
        "description": "An estimate and its interval; null where there is none.",
        "type": ["object", "null"],
        "required": ["estimate", "low", "high", "confidence"],
        "properties": {
            "estimate": {"type": "number", "minimum": 0},
            "low": {"type": "number", "minimum": 0},
            "high": {"type": "number", "minimum": 0},
            "confidence": {
                "type": "number",
                "exclusiveMinimum": 0,
                "exclusiveMaximum": 1,
            },
        },
    },
}
"""What the schemas above refer to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Generic[S, T]):
    """One key of a JSON object that is made from an `S`."""

    path: str
    """The key, or two keys joined by a dot where it lies in an object of the object."""

    value: Callable[[S], T]
    """How it is taken from the source; `as_json` makes JSON of it."""

    schema: Schema

    required: bool = True
    """False for keys that joined later, so that older files still keep to the schema."""


def described(description: str, schema: Schema) -> Schema:
    """Return `schema` with a description."""
    return {"description": description, **schema}


def as_object(fields: Iterable[Field[S, Any]], source: S) -> dict[str, object]:
    """Return the JSON object that the fields make of `source`."""
    found: dict[str, Any] = {}
    for field in fields:
        outer, _, inner = field.path.partition(".")
        value = as_json(field.value(source))
        if inner:
            found.setdefault(outer, {})[inner] = value
        else:
            found[outer] = value
    return found


def object_schema(
    fields: Iterable[Field[S, Any]], descriptions: Mapping[str, str]
) -> dict[str, object]:
    """Return the schema of `as_object`; `descriptions` are those of its inner objects."""
    properties: dict[str, Any] = {}
    required: dict[str, None] = {}
    for field in fields:
        outer, _, inner = field.path.partition(".")
        if field.required:
            required[outer] = None
        if not inner:
            properties[outer] = field.schema
            continue
        group = properties.setdefault(
            outer,
            {
                "description": descriptions[outer],
                "type": "object",
                "required": [],
                "properties": {},
            },
        )
        group["properties"][inner] = field.schema
        if field.required:
            group["required"].append(inner)
    return {"type": "object", "required": list(required), "properties": properties}


def as_json(value: object) -> object:
    """Return what strict JSON can hold: None for NaN and infinity, text for the unknown."""
    if isinstance(value, Estimate):
        ends = {"low": value.low, "high": value.high, "confidence": value.confidence}
        return {"estimate": value.point, **ends}
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: as_json(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    return _short(float(value)) if isinstance(value, Real) else str(value)


def _short(value: float) -> float | None:
    """Return a number with the digits that can mean something; None for NaN, infinity."""
    digits = _DIGITS if abs(value) < _LARGE else _DIGITS_OF_LARGE
    return finite(float(f"{value:.{digits}g}"))
