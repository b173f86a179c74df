"""How settings are declared and checked: type, default, meaning and limits of a setting are in one place.

A room's settings are plain dataclasses, which are a Hydra schema as well. A field is declared like this:

    max_tokens: int = setting(180, "Most tokens per chunk.", ge=1)

A class with rules across fields has a method `rules`, which yields every broken one. Nothing is checked when an object
is made: `read_settings` checks a whole configuration.
"""

import copy
import dataclasses
import functools
import importlib
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from msgspec import Meta, ValidationError, convert, to_builtins

from builder.errors import ConfigError, Fault

T = TypeVar("T")
UNKNOWN = "there is no such setting."
#: What `rules` yields: faults whose key is that of the field.
Rules = Iterator[Fault]


def limits(
    about: str = "",
    choices: Iterable[str] = (),
    allowed: str = "",
    example: str = "",
    secret: bool = False,
    released: bool | None = None,
    **bounds: Any,
) -> Meta:
    """What a value may be: one of `choices`, or within `bounds` (ge, gt, le, lt, min_length, pattern: as in msgspec).

    `allowed` says in words what a pattern or a rule allows, `example` is an override for the documents. The value of a
    `secret` setting is never shown. Releases say numbers, switches and choices; other values only when they are
    declared as `released`.
    """
    schema = {"enum": list(choices)} if choices else {}
    words = {"allowed": allowed, "example": example, "secret": secret, "released": released}
    return Meta(description=about or None, extra_json_schema=schema, extra=words, **bounds)


def setting(default: T, about: str, **allowed: Any) -> T:
    """A field of a settings class: its default, what it means, and its limits, as `limits` has them."""
    declared = {"limits": limits(about, **allowed)}
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=lambda: copy.deepcopy(default), metadata=declared)
    return dataclasses.field(default=default, metadata=declared)


def load(reference: str) -> Any:
    """The function that `module:function` names. Choices are listed so, without importing what they need.

    >>> load("builder.settings:load").__name__
    'load'
    """
    module, _, function = reference.partition(":")
    return getattr(importlib.import_module(module), function)


class Hint(NamedTuple):
    """What is declared about a setting or about an entry of one: its type without None, and its limits."""

    type: Any
    meta: Meta = limits()
    optional: bool = False

    @classmethod
    def of(cls, annotation: Any, declared: Meta | None = None) -> "Hint":
        """What an annotation says; one that allows None has it last."""
        if typing.get_origin(annotation) is typing.Annotated:
            return cls(annotation.__origin__, annotation.__metadata__[0])
        options = typing.get_args(annotation)
        optional = type(None) in options
        return cls(options[0] if optional else annotation, declared or limits(), optional)

    @property
    def group(self) -> bool:
        """Whether it is a settings class."""
        return isinstance(self.type, type) and dataclasses.is_dataclass(self.type)

    @property
    def entries(self) -> tuple["Hint", ...]:
        """Of a list its items, of a mapping its names and its values."""
        return tuple(map(Hint.of, typing.get_args(self.type)))

    @property
    def choices(self) -> list[str]:
        return list((self.meta.extra_json_schema or {}).get("enum", []))

    @property
    def about(self) -> str:
        return self.meta.description or ""

    @property
    def example(self) -> str:
        return str((self.meta.extra or {})["example"])

    @property
    def secret(self) -> bool:
        """Whether its value must not be shown."""
        return bool((self.meta.extra or {}).get("secret"))

    @property
    def released(self) -> bool:
        """Whether a release says its value: as declared, or because it leaves no room for private words."""
        declared = (self.meta.extra or {}).get("released")
        if declared is not None:
            return bool(declared)
        if self.group or typing.get_origin(self.type) in (list, dict):
            return all(part.released for part in (fields_of(self.type).values() if self.group else self.entries))
        return bool(self.choices) or self.type in (int, float, bool)

    @property
    def allowed(self) -> str:
        """What values it may have, in words."""
        if words := (self.meta.extra or {})["allowed"]:
            found = words
        elif self.choices:
            found = f"one of {', '.join(self.choices)}"
        elif self.group:
            found = f"{{{', '.join(fields_of(self.type))}}}"
        elif typing.get_origin(self.type) is list:
            found = f"a list, each {self.entries[0].allowed}"
        elif typing.get_origin(self.type) is dict:
            name, value = (entry.allowed for entry in self.entries)
            found = f"a mapping {{{'name' if name == 'text' else name}: {value}}}"
        else:
            bounds = [(words, getattr(self.meta, sign)) for sign, words in _BOUNDS.items()]
            bounded = " and ".join(f"{words} {bound:,}" for words, bound in bounds if bound is not None)
            bounded = "not empty" if self.meta.min_length else bounded
            found = f"{_KINDS[self.type]}, {bounded}" if bounded else _KINDS[self.type]
        return f"{found}, or null" if self.optional else found


_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Any: "any value"}


@functools.cache
def fields_of(cls: type) -> dict[str, Hint]:
    """The settings of a class by name, in order."""
    types = typing.get_type_hints(cls, include_extras=True)
    return {field.name: Hint.of(types[field.name], field.metadata.get("limits")) for field in dataclasses.fields(cls)}


def leaves(cls: type, prefix: str = "") -> dict[str, Hint]:
    """Every setting of a class and of the classes inside it, by dotted key."""
    found: dict[str, Hint] = {}
    for name, hint in fields_of(cls).items():
        found |= leaves(hint.type, f"{prefix}{name}.") if hint.group else {f"{prefix}{name}": hint}
    return found


def public(settings: Any) -> dict[str, Any]:
    """The settings of a group that a release says, as plain data."""
    known = fields_of(settings.__class__)
    return {name: to_builtins(value) for name, value in vars(settings).items() if known[name].released}


def declared(cls: type, key: str) -> list[Hint]:
    """What is declared along a dotted key, the setting itself last; empty when there is no such setting."""
    path = [Hint(cls)]
    for part in key.split("."):
        known = fields_of(path[-1].type) if path[-1].group else {}
        if part in known:
            path.append(known[part])
        elif typing.get_origin(path[-1].type) is dict:
            path.append(path[-1].entries[1])
        elif path[-1].type is Any:
            path.append(path[-1])
        else:
            return []
    return path[1:]


def read_settings(hint: Hint, value: Any, key: str, faults: list[Fault]) -> Any:
    """The value as the declared type; appends a fault for each setting that cannot be used."""
    if hint.group and isinstance(value, dict):
        return _group(hint.type, value, f"{key}." if key else "", faults)
    before = len(faults)
    if typing.get_origin(hint.type) is dict and isinstance(value, dict):
        for name in value:
            _leaf(hint.entries[0], name, f"{key}.{name}", faults)
        value = {name: read_settings(hint.entries[1], item, f"{key}.{name}", faults) for name, item in value.items()}
    elif typing.get_origin(hint.type) is list and isinstance(value, list):
        value = [read_settings(hint.entries[0], item, f"{key}[{i}]", faults) for i, item in enumerate(value)]
    return value if len(faults) > before else _leaf(hint, value, key, faults)


def settings_from(cls: type[T], values: Mapping[str, Any]) -> T:
    """The settings of a class from plain data; raises `ConfigError` that names every setting at fault."""
    faults: list[Fault] = []
    hint = Hint(cls)
    made: T = read_settings(hint, dict(values), "", faults)
    there = f"There are {', '.join(fields_of(hint.type))}."
    faults = [fault._replace(hint=there) if fault.problem == UNKNOWN else fault for fault in faults]
    if faults:
        raise ConfigError.of(faults)
    return made


def _leaf(hint: Hint, value: Any, key: str, faults: list[Fault]) -> Any:
    if value is None and hint.optional:
        return None
    if hint.type is str and isinstance(value, int | float):
        value = str(value)
    try:
        # As OmegaConf does, a number may be written as text, and a text may be a number.
        value = convert(value, typing.Annotated[hint.type, hint.meta], strict=False)
    except ValidationError:
        shown = "its value" if hint.secret else shown_value(value)
        faults.append(Fault(key, f"{shown} is not allowed.", f"Allowed: {hint.allowed}."))
        return value
    if hint.choices and value not in hint.choices:
        faults.append(Fault(key, f"{shown_value(value)} is not a choice.", f"Choose one of {', '.join(hint.choices)}."))
    return value


def _group(cls: type, values: dict[str, Any], prefix: str, faults: list[Fault]) -> Any:
    known = fields_of(cls)
    given: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        if name not in known:
            while isinstance(value, dict) and len(value) == 1:
                (inner, value), *_ = value.items()
                key = f"{key}.{inner}"
            faults.append(Fault(key, UNKNOWN))
            continue
        before = len(faults)
        result = read_settings(known[name], value, key, faults)
        if len(faults) == before or known[name].group:
            given[name] = result
    # A setting at fault has its default here, so that the rules about the others are still checked.
    made = cls(**given)
    for fault in made.rules() if hasattr(made, "rules") else ():
        name = fault.key.partition(".")[0]
        if name in given or name not in values:
            faults.append(fault._replace(key=prefix + fault.key))
    return made


#: What to do instead of writing a password into an address.
SECRETS_ELSEWHERE = "Put them into the variables or the profile that its fsspec package reads."


def has_credentials(address: str) -> bool:
    """Whether an address holds a user name or a password."""
    return "@" in address.partition("://")[2].partition("/")[0]


def shown_address(address: str) -> str:
    """An address for messages, without user name, password and query, which may hold a signature or a key.

    >>> shown_address("https://me:secret@example.org/news?key=secret")
    'https://example.org/news'
    """
    scheme, between, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{between}{host.rpartition('@')[2]}{slash}{path}".partition("?")[0] if between else address


def shown_value(value: Any) -> str:
    """A value as it is written in an override."""
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))
