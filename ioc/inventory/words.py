"""pydantic's problems in words a user can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.inventory.document import NO_SECRETS
from ioc.inventory.ranges import quoted

SECRETS = (
    "password", "passwd", "secret", "token", "community", "api_key", "apikey", "mat_khau",
    "matkhau",
)  # fmt: skip
OURS = "inventory"


def refusal(text: str, /, **args: str | int | float) -> PydanticCustomError:
    """What a validator raises: a message id and its values, translated when it is shown."""
    return PydanticCustomError(OURS, "{text}", {"text": text, "args": args})


def words(problem: Any, root: type[BaseModel], more_keys: Iterable[str] = ()) -> str:
    """A pydantic problem in words, with the remedy.

    root: the model that was validated. more_keys: keys allowed beside those of the root.
    """
    kind = problem["type"]
    if kind == "extra_forbidden":
        return _unknown_key(problem["loc"], root, more_keys)
    if kind == "missing":
        return _("is missing; add it")
    context = problem.get("ctx", {})
    if kind == OURS:
        return _(context["text"], None, **context["args"])
    if kind == "value_error":  # of a collector's settings
        return _(str(context["error"]))
    return _standard(kind, context, problem)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names, None when none is similar."""
    return next(iter(get_close_matches(name, list(known), n=1)), None)


EXPECTED = {
    "string_type": mark("must be text, not {given}; put it in quotes"),
    "string_pattern_mismatch": mark("holds characters that are not allowed here"),
    "string_too_short": mark("must not be empty"),
    "string_too_long": mark("is longer than {max_length} characters"),
    "int_type": mark("must be a whole number, not {given}"),
    "float_type": mark("must be a number, not {given}"),
    "bool_type": mark("must be true or false, not {given}"),
    "list_type": mark("must be a list, each item after a hyphen, not {given}"),
    "dict_type": mark("must be a block of keys, not {given}"),
    "literal_error": mark("must be one of {expected}, not {given}"),
    "greater_than": mark("must be above {gt}, not {given}"),
    "greater_than_equal": mark("must be at least {ge}, not {given}"),
    "less_than": mark("must be below {lt}, not {given}"),
    "less_than_equal": mark("must be at most {le}, not {given}"),
    "too_short": mark("must have at least {min_length} items"),
    "too_long": mark("must have at most {max_length} items"),
}
SAME = {
    "int_parsing": "int_type",
    "int_from_float": "int_type",
    "int_parsing_size": "int_type",
    "float_parsing": "float_type",
    "finite_number": "float_type",
    "bool_parsing": "bool_type",
    "tuple_type": "list_type",
    "model_type": "dict_type",
    "model_attributes_type": "dict_type",
}


def _standard(kind: str, context: Mapping[str, Any], problem: Any) -> str:
    expected = EXPECTED.get(SAME.get(kind, kind))
    if expected is None:
        return _("is not usable: {error}", error=problem["msg"])
    values = {k: v for k, v in context.items() if isinstance(v, str | int | float)}
    if "expected" in values:
        values["expected"] = str(values["expected"]).replace(" or ", ", ")
    return _(expected, None, **{**values, "given": _shown(problem["input"])})


def _shown(value: Any) -> str:
    if value is None:
        return _("nothing")
    if isinstance(value, list | tuple):
        return _("a list")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return quoted(value) if isinstance(value, str) else _("a block of keys")


def _unknown_key(place: tuple[str | int, ...], root: type[BaseModel], more: Iterable[str]) -> str:
    key = str(place[-1])
    if any(word in key.lower() for word in SECRETS):
        return _(NO_SECRETS)
    model = _model_at(root, place[:-1])
    keys = [*(model.model_fields if model else ()), *more]
    close = did_you_mean(key, keys)
    if close:
        return _("unknown key; did you mean {close}?", close=close)
    return _("unknown key; the keys here are {keys}", keys=", ".join(keys))


def _model_at(root: type[BaseModel], place: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that validates what stands at a place below the root's."""
    found: Any = root
    for part in place:
        model = _model_in(found)
        if model is not None and part in model.model_fields:
            found = model.model_fields[str(part)].annotation
        else:  # an item of a list, an entry of a mapping
            inner = get_args(next((a for a in (found, *get_args(found)) if get_args(a)), None))
            found = inner[-1] if inner else None
    return _model_in(found)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model itself, or the one that may also be None."""
    for option in (annotation, *get_args(annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None
