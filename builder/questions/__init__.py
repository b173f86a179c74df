"""The kinds of questions, and schemes to and from plain data (a composed YAML, a manifest).

To add a kind: write a subclass of `Kind` in a file of its own and name it in `KINDS`.
"""

import dataclasses
import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from builder.errors import Fault
from builder.questions.kind import Kind, kinds
from builder.scheme import Renames, Scheme, refuse

T = TypeVar("T")
#: Kind of question to "module:class", resolved on use.
KINDS = {
    "entities": "builder.questions.entities:Entities",
    "stance": "builder.questions.stance:Stance",
    "evidence": "builder.questions.evidence:Evidence",
    "choice": "builder.questions.choice:Choice",
    "problems": "builder.questions.notes:Problems",
    "comment": "builder.questions.notes:Comment",
}


class UncheckedScheme(Scheme):
    """A scheme as it was found: it may contradict itself."""

    def __post_init__(self) -> None:
        for name, question in self.questions.items():
            question.name = name


def kind_of(name: str) -> type[Kind]:
    """The class of a kind of question."""
    module, _, attribute = KINDS[name].partition(":")
    found: type[Kind] = getattr(importlib.import_module(module), attribute)
    return found


def controls(scheme: Scheme) -> dict[tuple[str, str], str]:
    """The Label Studio control of each question and target, where it is the same in every task."""
    return {
        (question.name, target): control
        for question in kinds(scheme)
        for target, control in question.control_by_target().items()
    }


def scheme_from(plain: Mapping[str, Any]) -> Scheme:
    """The scheme that plain data describes: `name`, `version`, `questions`, `guidelines`, `migrations`.

    A question that is null is left out. A label or a target may be written as its title alone. Raises `SchemeError`
    that lists every fault with its key, such as `labels.questions.stance.absent`.
    """
    faults: list[Fault] = []
    found = _fields(UncheckedScheme, plain, "labels", faults, leave={"questions", "migrations"})
    for name, asked in _mapping(plain.get("questions"), "labels.questions", faults).items():
        if asked is not None and (question := _question(str(name), asked, faults)):
            found.setdefault("questions", {})[str(name)] = question
    steps = _mapping(plain.get("migrations"), "labels.migrations", faults)
    for version, step in steps.items():
        key = f"labels.migrations.{version}"
        entries = _mapping(step, key, faults).items()
        renames = {str(name): _object(Renames, entry, f"{key}.{name}", faults) for name, entry in entries}
        found.setdefault("migrations", {})[str(version)] = renames
    if faults:
        # What else is wrong, but for what follows from a fault that is known.
        known = [fault.key for fault in faults]
        rest = UncheckedScheme(**found).faults()
        faults += [f for f in rest if not any(f.key.startswith(key) or key.startswith(f.key) for key in known)]
        refuse(faults)
    return Scheme(**found)


def plain(scheme: Scheme) -> dict[str, Any]:
    """The scheme as JSON-able data: `scheme_from(plain(scheme)) == scheme`."""
    questions: dict[str, dict[str, Any]] = {}
    for name, question in scheme.questions.items():
        cls = kind_of(question.kind)
        questions[name] = {"kind": question.kind}
        for key, (attribute, _) in _settings(cls).items():
            value = getattr(question, attribute)
            questions[name][key] = (
                {n: {s: getattr(label, s) for s in cls.label_settings} for n, label in value.items()}
                if key == "labels"
                else {n: dataclasses.asdict(target) for n, target in value.items()}
                if isinstance(value, dict)
                else value
            )
    migrations = {v: {n: dataclasses.asdict(r) for n, r in step.items()} for v, step in scheme.migrations.items()}
    return {
        "name": scheme.name,
        "version": scheme.version,
        "questions": questions,
        "guidelines": scheme.guidelines,
        "migrations": migrations,
    }


def _question(name: str, asked: Any, faults: list[Fault]) -> Kind | None:
    key = f"labels.questions.{name}"
    asked = dict(_mapping(asked, key, faults))
    kind = asked.pop("kind", name)
    if kind not in KINDS:
        near = difflib.get_close_matches(str(kind), KINDS, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        faults.append(Fault(f"{key}.kind", f"{kind!r} is no kind of question.", f"{hint}Kinds: {', '.join(KINDS)}."))
        return None
    return _object(kind_of(kind), asked, key, faults)


def _settings(cls: type) -> dict[str, tuple[str, Any]]:
    """The YAML keys of a dataclass: the field and its type."""
    names = getattr(cls, "written_as", {})
    hints = get_type_hints(cls)
    return {names.get(f.name, f.name): (f.name, hints[f.name]) for f in dataclasses.fields(cls) if f.init}


def _object(cls: type[T], value: Any, key: str, faults: list[Fault]) -> T:
    return cls(**_fields(cls, _mapping(value, key, faults), key, faults))


def _fields(
    cls: type,
    value: Mapping[Any, Any],
    key: str,
    faults: list[Fault],
    leave: Iterable[str] = (),
    only: Iterable[str] = (),
) -> dict[str, Any]:
    """Values for the fields of a dataclass; a field whose value is at fault is missing."""
    settings = {name: at for name, at in _settings(cls).items() if not only or name in only}
    found: dict[str, Any] = {}
    for name, given in value.items():
        if name in leave:
            continue
        if name not in settings:
            near = difflib.get_close_matches(str(name), settings, n=1)
            advice = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(settings) or 'none'}."
            faults.append(Fault(f"{key}.{name}", "there is no such setting.", advice))
            continue
        attribute, hint = settings[name]
        inner = get_args(hint)[1] if get_origin(hint) is dict else None
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            allowed = getattr(cls, "label_settings", ()) if name == "labels" else ()
            found[attribute] = {
                str(n): _entry(inner, entry, f"{key}.{name}.{n}", faults, allowed)
                for n, entry in _mapping(given, f"{key}.{name}", faults).items()
            }
            continue
        try:
            # YAML reads the version 2 as a number.
            text = hint is str and type(given) in (int, float)
            found[attribute] = str(given) if text else msgspec.convert(given, hint)
        except msgspec.ValidationError as e:
            faults.append(Fault(f"{key}.{name}", f"{given!r} does not fit: {e}.", ""))
    return found


def _entry(cls: type, value: Any, key: str, faults: list[Fault], allowed: Iterable[str]) -> Any:
    """A label or a target: a mapping, its title alone, or nothing."""
    entry = {"title": value} if isinstance(value, str) else _mapping(value, key, faults)
    return cls(**_fields(cls, entry, key, faults, only=allowed))


def _mapping(value: Any, key: str, faults: list[Fault]) -> Mapping[Any, Any]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    faults.append(Fault(key, f"{value!r} is no mapping.", ""))
    return {}
