"""How settings are declared and checked: type, range, choices and meaning stand beside the field.

A room's settings are plain dataclasses. A field is annotated with what it may be and what it means:

    max_tokens: Annotated[int, Meta(ge=1, description="Most tokens per chunk.")] = 180

OmegaConf ignores the annotation, so the class is a Hydra schema as well. A class with rules across fields has a method
`rules`, which yields every broken one. Nothing is checked when an object is made: `read` checks a whole configuration.
"""

import dataclasses
import re
import typing
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from builder.errors import Fault

UNKNOWN = "there is no such setting."
#: What `rules` yields: faults whose key is that of the field.
Rules = Iterator[Fault]


def one_of(choices: Iterable[str], description: str = "", **extra: str) -> msgspec.Meta:
    """A text that is one of these names, as in `Annotated[str, one_of(METHODS, "How ...")]`."""
    return msgspec.Meta(description=description or None, extra_json_schema={"enum": list(choices)}, extra=extra or None)


class Hint(NamedTuple):
    """A type annotation taken apart: the bare type and what was declared beside it."""

    bare: Any
    metas: tuple[msgspec.Meta, ...]

    @classmethod
    def of(cls, annotation: Any) -> "Hint":
        if typing.get_origin(annotation) is typing.Annotated:
            return cls(annotation.__origin__, tuple(m for m in annotation.__metadata__ if isinstance(m, msgspec.Meta)))
        return cls(annotation, ())

    @property
    def options(self) -> tuple["Hint", ...]:
        """The types of a union without None; otherwise the type itself."""
        found = [a for a in typing.get_args(self.bare) if a is not type(None)] if self.optional else []
        return tuple(map(Hint.of, found)) or (self,)

    @property
    def optional(self) -> bool:
        return type(None) in typing.get_args(self.bare)

    @property
    def choices(self) -> list[str]:
        found = [meta.extra_json_schema.get("enum", []) for meta in self.metas if meta.extra_json_schema]
        return found[0] if found else []

    @property
    def description(self) -> str:
        return next((meta.description for meta in self.metas if meta.description), "")

    def extra(self, name: str) -> str:
        """Further words about the setting: `allowed` (what a text must look like) or `example` (an override)."""
        return str(next((meta.extra[name] for meta in self.metas if meta.extra and name in meta.extra), ""))

    @property
    def allowed(self) -> str:
        """What values it may have, in words; empty when any value of the type does."""
        if len(self.options) == 1 and self.options[0] != self:
            return f"{self.options[0].allowed}, or null"
        if words := self.extra("allowed"):
            return words
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if dataclasses.is_dataclass(self.bare) and isinstance(self.bare, type):
            return f"{{{', '.join(fields_of(self.bare))}}}"
        kind = _KINDS.get(self.bare, _KINDS.get(typing.get_origin(self.bare), ""))
        for meta in self.metas:
            bounds = [
                f"{words} {bound:,}"
                for words, bound in (
                    ("at least", meta.ge),
                    ("more than", meta.gt),
                    ("at most", meta.le),
                    ("less than", meta.lt),
                )
                if bound is not None
            ]
            if bounds or meta.min_length:
                return f"{kind}, {' and '.join(bounds) or 'not empty'}"
        if typing.get_origin(self.bare) is list:
            inner = Hint.of(typing.get_args(self.bare)[0]).allowed
            return f"a list, each {inner}"
        if typing.get_origin(self.bare) is dict:
            key, value = (Hint.of(a) for a in typing.get_args(self.bare))
            named = f"{key.allowed}: " if key.choices or key.extra("allowed") else "name: "
            return f"a mapping {{{named}{value.allowed}}}"
        return kind


_KINDS: dict[Any, str] = {
    list: "a list",
    dict: "a mapping",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Any: "any value",
}


def fields_of(cls: type) -> dict[str, Hint]:
    """The settings of a dataclass by name, in order."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: Hint.of(hints[field.name]) for field in dataclasses.fields(cls)}


def default_of(cls: type, name: str) -> Any:
    """The default of a setting; `dataclasses.MISSING` when it has none."""
    field = next(field for field in dataclasses.fields(cls) if field.name == name)
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def leaves(cls: type, prefix: str = "") -> dict[str, Hint]:
    """Every setting of a dataclass and of those inside it, by dotted key."""
    found: dict[str, Hint] = {}
    for name, hint in fields_of(cls).items():
        if dataclasses.is_dataclass(hint.bare) and isinstance(hint.bare, type):
            found |= leaves(hint.bare, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = hint
    return found


def hint_at(cls: type, key: str) -> tuple[Hint | None, bool]:
    """The declaration of a dotted key (None: there is no such setting), and whether it is an entry of a mapping."""
    hint, inside = Hint(cls, ()), False
    for part in key.split("."):
        if dataclasses.is_dataclass(hint.bare) and isinstance(hint.bare, type):
            known = fields_of(hint.bare)
            if part not in known:
                return None, inside
            hint = known[part]
        elif typing.get_origin(hint.bare) is dict:
            hint, inside = Hint.of(typing.get_args(hint.bare)[1]), True
        elif hint.bare is not Any:
            return None, inside
    return hint, inside


def read(hint: Hint, value: Any, key: str, faults: list[Fault]) -> Any:
    """The value as the declared type; appends a fault for each setting that cannot be used.

    Where a setting is at fault its default is put, so that the rules that concern other settings are still checked.
    """
    if dataclasses.is_dataclass(hint.bare) and isinstance(hint.bare, type) and isinstance(value, dict):
        return _object(hint.bare, value, key, faults)
    args = typing.get_args(hint.bare)
    before = len(faults)
    if typing.get_origin(hint.bare) is dict and isinstance(value, dict):
        for name in value:
            _leaf(Hint.of(args[0]), name, f"{key}.{name}", faults)
        value = {name: read(Hint.of(args[1]), item, f"{key}.{name}", faults) for name, item in value.items()}
    elif typing.get_origin(hint.bare) is list and isinstance(value, list):
        value = [read(Hint.of(args[0]), item, f"{key}[{i}]", faults) for i, item in enumerate(value)]
    if len(faults) > before:
        return value
    return _leaf(hint, value, key, faults)


def _leaf(hint: Hint, value: Any, key: str, faults: list[Fault]) -> Any:
    annotation = typing.Annotated[hint.bare, *hint.metas] if hint.metas else hint.bare
    if hint.options[0].bare is str and isinstance(value, int | float):
        value = str(value)
    try:
        # As OmegaConf does, a number may be written as text, and a text may be a number.
        value = msgspec.convert(value, annotation, strict=False)
    except msgspec.ValidationError:
        faults.append(Fault(key, f"{shown(value)} is not allowed.", f"Allowed: {hint.allowed}."))
        return value
    if hint.choices and value not in hint.choices:
        faults.append(Fault(key, f"{shown(value)} is not a choice.", f"Choose one of {', '.join(hint.choices)}."))
    return value


def _object(cls: type, values: dict[str, Any], key: str, faults: list[Fault]) -> Any:
    known = fields_of(cls)
    given: dict[str, Any] = {}
    wrong: set[str] = set()
    for name, value in values.items():
        at = f"{key}.{name}" if key else str(name)
        if name not in known:
            while isinstance(value, dict) and len(value) == 1:
                (inner, value), *_ = value.items()
                at = f"{at}.{inner}"
            faults.append(Fault(at, UNKNOWN))
            continue
        before = len(faults)
        result = read(known[name], value, at, faults)
        if len(faults) == before or dataclasses.is_dataclass(known[name].bare):
            given[name] = result
        else:
            wrong.add(name)
    made = cls(**given)
    broken = made.rules() if hasattr(made, "rules") else ()
    faults += [
        fault._replace(key=f"{key}.{fault.key}" if key else fault.key)
        for fault in broken
        if not any(fault.key == bad or fault.key.startswith(f"{bad}.") for bad in wrong)
    ]
    return made


def shown(value: Any) -> str:
    """A value as it is written in an override."""
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))


def pattern_problem(value: str) -> str:
    """Why a text is not a regular expression; empty when it is one."""
    try:
        re.compile(value)
    except re.error as e:
        return f"{value!r} is not a regular expression: {e}."
    return ""
