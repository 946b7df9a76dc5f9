"""pydantic's problems in words a user can act on."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from ioc.i18n import mark
from ioc.i18n import translate as _

SECRETS = ("password", "passwd", "secret", "token", "community", "api_key", "apikey", "mat_khau")


def words(problem: Any, root: type[BaseModel]) -> str:
    """A pydantic problem in words, with the remedy."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(problem, root)
    if kind == "missing":
        return _("is missing; add it")
    expected = EXPECTED.get(kind)
    if expected is not None:
        given = problem["input"]
        shown_input = repr(given) if isinstance(given, str | int | float | bool) else _("a block")
        if given is None:
            shown_input = _("nothing")
        words = {k: v for k, v in context.items() if isinstance(v, str | int | float)}
        return _(expected, None, **{**words, "given": shown_input[:80]})
    if kind in OWN:
        words = {k: v for k, v in context.items() if isinstance(v, str | int | float)}
        return _(_template(problem), None, **words)
    return str(problem["msg"])


OWN = frozenset({"duration", "hours", "date", "id", "address", "zone"})

EXPECTED = {
    "string_type": mark("must be text, not {given}; put it in quotes"),
    "int_type": mark("must be a whole number, not {given}"),
    "int_parsing": mark("must be a whole number, not {given}"),
    "int_from_float": mark("must be a whole number, not {given}"),
    "float_type": mark("must be a number, not {given}"),
    "float_parsing": mark("must be a number, not {given}"),
    "bool_type": mark("must be true or false, not {given}"),
    "bool_parsing": mark("must be true or false, not {given}"),
    "list_type": mark("must be a list, each item after a hyphen"),
    "dict_type": mark("must be a block of keys"),
    "model_type": mark("must be a block of keys, not {given}"),
    "literal_error": mark("must be one of {expected}, not {given}"),
    "greater_than": mark("must be above {gt}, not {given}"),
    "greater_than_equal": mark("must be at least {ge}, not {given}"),
    "less_than": mark("must be below {lt}, not {given}"),
    "less_than_equal": mark("must be at most {le}, not {given}"),
    "string_too_short": mark("must not be empty"),
    "string_too_long": mark("is longer than {max_length} characters"),
    "too_short": mark("must have at least {min_length} items"),
}


def _template(problem: Any) -> str:
    """The translation key of one of our own errors: pydantic gives it filled in only."""
    message = str(problem["msg"])
    for name, value in problem.get("ctx", {}).items():
        message = message.replace(str(value), "{" + name + "}")
    return message


def _unknown_key(problem: Any, root: type[BaseModel]) -> str:
    key = str(problem["loc"][-1])
    if any(word in key.lower() for word in SECRETS):
        return _("a secret does not belong in the inventory; put it in the environment or .env")
    close = get_close_matches(key, _keys(root), n=1)
    if close:
        return _("unknown key; did you mean {close}?", None, close=close[0])
    return _("unknown key; remove it")


def _keys(root: type[BaseModel]) -> set[str]:
    """Every key of the models below a root."""
    found: set[str] = set()
    seen: set[type[BaseModel]] = set()
    queue: list[Any] = [root]
    while queue:
        item = queue.pop()
        if isinstance(item, type) and issubclass(item, BaseModel) and item not in seen:
            seen.add(item)
            found.update(item.model_fields)
            queue.extend(field.annotation for field in item.model_fields.values())
        else:
            queue.extend(getattr(item, "__args__", ()))
    return found
