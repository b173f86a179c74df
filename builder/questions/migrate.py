"""What a new version of the scheme means for a project that has annotations already.

Additions apply at once. Renames and merges rewrite the results that carry the old names; the server accepts that
while both names are in its configuration. Removals of what somebody used would orphan labels, and are refused.
"""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from builder.questions import UncheckedScheme, kind_of
from builder.questions.choice import Choice
from builder.questions.entities import Entities
from builder.questions.kind import kinds
from builder.scheme import Question, Renames, Scheme


@dataclass
class SchemeChanges:
    """Differences between two schemes, each in words; `renames` are old name to new name, by noun."""

    additions: list[str] = field(default_factory=list)
    renames: dict[str, dict[str, str]] = field(default_factory=dict)
    removals: list[str] = field(default_factory=list)
    #: Question, kind of name and name of those removals that are names.
    names: dict[str, tuple[str, str, str]] = field(default_factory=dict, compare=False)

    @property
    def none(self) -> bool:
        return not (self.additions or self.renames or self.removals)


def changes(old: Scheme, new: Scheme) -> SchemeChanges:
    """What was added, renamed (by `new.migrations`) and removed between two versions of a scheme."""
    found = SchemeChanges()
    renames = _renames(old, new)
    for name, kind in dict.fromkeys((q.name, q.kind) for q in (*kinds(old), *kinds(new))):
        before, after = (next((q for q in kinds(s) if (q.name, q.kind) == (name, kind)), None) for s in (old, new))
        for key, noun in kind_of(kind).vocabulary.items():
            noun = noun if kind_of(kind).once else f"{name} {noun}"
            had, has = (question.names(key) if question else {} for question in (before, after))
            now: dict[str, str] = getattr(renames[name], key) if name in renames else {}
            if now:
                found.renames[noun] = now
            found.names |= {f"{noun} {n}": (name, key, n) for n in had if n not in has and n not in now}
            found.additions += [f"{noun} {label}" for label in has if label not in had and label not in now.values()]
        found.removals += [words for words in found.names if words not in found.removals]
        parted, parts = (question.parts() if question else [] for question in (before, after))
        found.removals += [part for part in parted if part not in parts]
        found.additions += [part for part in parts if part not in parted]
    return found


def transition(old: Scheme, new: Scheme) -> Scheme:
    """The new scheme with the old names beside it: a configuration that holds results under either."""
    questions: dict[str, Question] = dict(new.questions)
    renames = _renames(old, new)
    for question in kinds(new):
        if question.name in renames:
            before, step = old.questions[question.name], renames[question.name]
            # Old labels lose keys and titles: those may have gone to the new ones, and nobody annotates meanwhile.
            more = {
                key: {name: type(shown)() for name, shown in before.names(key).items() if name in getattr(step, key)}
                for key in question.vocabulary
            }
            questions[question.name] = question.with_names(more)
    return replace(new, questions=questions, migrations={})


def narrowed(scheme: Scheme, labels: Collection[str]) -> Scheme:
    """The scheme as people see it who are asked for these labels of entities only: each in the colour it always has."""
    questions: dict[str, Question] = dict(scheme.questions)
    for question in kinds(scheme):
        if isinstance(question, Entities):
            colors = question.colors()
            kept = {n: replace(label, color=colors[n]) for n, label in question.labels.items() if n in labels}
            questions[question.name] = replace(question, labels=kept)
    # Migrations may name labels that are not asked for.
    return UncheckedScheme(**{**vars(scheme), "questions": questions})


def dated(old: Scheme, new: Scheme, now: str) -> Scheme:
    """The new scheme, whose options that the old one does not show are shown since `now`, by whatever name."""
    questions: dict[str, Question] = dict(new.questions)
    for question in kinds(new):
        if isinstance(question, Choice) and question.many:
            shown: dict[str, str] = {}
            current = new.names(question.name, old.version).labels
            before = old.questions.get(question.name)
            if isinstance(before, Choice) and before.many:
                for name in before.options:
                    option = current.get(name, name)
                    shown[option] = min(before.since.get(name, ""), shown.get(option, now))
            made = replace(question)
            questions[question.name] = made
            made.since = {option: since for option in made.options if (since := shown.get(option, now))}
    return replace(new, questions=questions)


def renamed(result: Sequence[Mapping[str, Any]], old: Scheme, new: Scheme) -> list[dict[str, Any]]:
    """Result items under the names of the new scheme; what the old scheme does not know stays as it is."""
    return _put(result, old, _renames(old, new))


def used(result: Sequence[Mapping[str, Any]], old: Scheme, found: SchemeChanges) -> set[str]:
    """Which of the removals that are names a result holds."""
    return {
        words
        for words, (question, key, name) in found.names.items()
        if _put(result, old, {question: Renames(**{key: {name: ""}})}) != list(result)
    }


def _put(result: Sequence[Mapping[str, Any]], old: Scheme, renames: Mapping[str, Renames]) -> list[dict[str, Any]]:
    every = {name: Renames() for name in old.questions} | dict(renames)
    out = [deepcopy(dict(item)) for item in result]
    for item in out:
        for question in kinds(old) if isinstance(item.get("from_name"), str) else ():
            question.rename(item, every)
    return out


def _renames(old: Scheme, new: Scheme) -> dict[str, Renames]:
    """What old names are called now, by question: only names that are gone."""
    found = {}
    for question in kinds(new):
        before = old.questions.get(question.name)
        if before and before.kind == question.kind:
            now = new.names(question.name, old.version)
            gone = {key: set(before.names(key)) - set(question.names(key)) for key in question.vocabulary}
            found[question.name] = Renames(**{
                key: {name: to for name, to in getattr(now, key).items() if name in gone[key]} for key in gone
            })  # fmt: skip
    return found
