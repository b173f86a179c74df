"""The kinds of questions, and schemes to and from plain data (a composed YAML, a manifest).

To add a kind: write a subclass of `Kind` in a file of its own and name it in `KINDS`.
"""

import dataclasses
import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from builder.errors import Fault, SchemeError
from builder.questions.kind import Kind, kinds
from builder.scheme import Label, Question, Scheme, Target
from builder.settings import UNKNOWN, load

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

    def check(self) -> None:
        pass


def kind_of(name: str) -> type[Kind]:
    """The class of a kind of question."""
    found: type[Kind] = load(KINDS[name])
    return found


def controls(scheme: Scheme) -> dict[tuple[str, str], str]:
    """The Label Studio control of each question and target, where it is the same in every task."""
    answered = [question for question in kinds(scheme) if question.gives == "answers"]
    return {(q.name, target): q.control_of(target) for q in answered for target in q.asked(None) or ()}


def scheme_from(plain: Mapping[str, Any]) -> Scheme:
    """The scheme that plain data describes: `name`, `version`, `questions`, `guidelines`, `migrations`.

    A question that is null is left out. A label or a target may be written as its title alone. Raises `SchemeError`
    that lists every fault with its key, such as `labels.questions.stance.absent`.
    """
    faults: list[Fault] = []
    found = _read(UncheckedScheme, plain, "labels", faults)
    if not faults:
        return Scheme(**vars(found))
    # What else is wrong, but for what follows from a fault that is known.
    known = [fault.key for fault in faults]
    faults += [f for f in found.faults() if not any(f.key.startswith(key) or key.startswith(f.key) for key in known)]
    raise SchemeError.of(faults)


def plain(scheme: Scheme) -> dict[str, Any]:
    """The scheme as JSON-able data: `scheme_from(plain(scheme)) == scheme`."""
    found: dict[str, Any] = _plain(scheme)
    return found


def _plain(value: Any, only: Collection[str] = ()) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry, only) for name, entry in value.items()}
    if not dataclasses.is_dataclass(value):
        return value
    made: dict[str, Any] = {"kind": value.kind} if isinstance(value, Question) else {}
    for key, (attribute, _, allowed) in _settings(type(value), only).items():
        made[key] = _plain(getattr(value, attribute), allowed)
    return made


def _settings(cls: type, only: Collection[str] = ()) -> dict[str, tuple[str, Any, Collection[str]]]:
    """The YAML keys of a dataclass: the field, its type, and which settings its entries have where not all."""
    types = get_type_hints(cls)
    written = {name: key for key, name in getattr(cls, "written_as", {}).items()}
    allowed = {"labels": getattr(cls, "label_settings", ())}
    names = [field.name for field in dataclasses.fields(cls) if field.init]
    found = {written.get(name, name): name for name in names if not only or name in only}
    return {key: (name, types[name], allowed.get(key, ())) for key, name in found.items()}


def _read(hint: Any, given: Any, key: str, faults: list[Fault], only: Collection[str] = ()) -> Any:
    """What plain data describes, as its declared type; None, and a fault, where it does not fit."""
    if get_origin(hint) is dict:
        inner, entries = get_args(hint)[1], _mapping(given, key, faults).items()
        found = {str(name): _read(inner, entry, f"{key}.{name}", faults, only) for name, entry in entries}
        return {name: entry for name, entry in found.items() if entry is not None}
    if hint is Question:
        return _question(given, key, faults)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        titled = isinstance(given, str) and hint in (Label, Target)
        given = {"title": given} if titled else _mapping(given, key, faults)
        settings = _settings(hint, only)
        made: dict[str, Any] = {}
        for name, value in given.items():
            if name in settings:
                attribute, inner, allowed = settings[name]
                made[attribute] = _read(inner, value, f"{key}.{name}", faults, allowed)
            else:
                advice = _near(name, settings) or f"Known: {', '.join(settings) or 'none'}."
                faults.append(Fault(f"{key}.{name}", UNKNOWN, advice))
        return hint(**{name: value for name, value in made.items() if value is not None})
    try:
        # YAML reads the version 2 as a number.
        return str(given) if hint is str and type(given) in (int, float) else msgspec.convert(given, hint)
    except (msgspec.ValidationError, UnicodeEncodeError) as e:
        faults.append(Fault(key, f"{given!r} does not fit: {e}."))
        return None


def _question(given: Any, key: str, faults: list[Fault]) -> Kind | None:
    if given is None:
        return None
    asked = dict(_mapping(given, key, faults))
    kind = asked.pop("kind", key.removeprefix("labels.questions."))
    if isinstance(kind, str) and kind in KINDS:
        found: Kind = _read(kind_of(kind), asked, key, faults)
        return found
    hint = f"{_near(kind, KINDS)} Kinds: {', '.join(KINDS)}.".strip()
    faults.append(Fault(f"{key}.kind", f"{kind!r} is no kind of question.", hint))
    return None


def _near(name: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"Did you mean {near[0]}?" if near else ""


def _mapping(value: Any, key: str, faults: list[Fault]) -> Mapping[Any, Any]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    faults.append(Fault(key, f"{value!r} is no mapping."))
    return {}
