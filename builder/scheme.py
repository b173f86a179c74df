"""The label scheme: the questions put to annotators, and the one source of every label name downstream.

The labeling interface, the decoder, the checks, the dataset features and the card walk `Scheme.questions`. Mappings
keep the order of the YAML; labels are stored by their key and shown by their title. What is special about one kind of
question is in its file in `builder.questions`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, ClassVar

from builder.errors import Fault, SchemeError

#: Label Studio deselects a span with it.
RESERVED_KEY = "u"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}\Z")
# XML 1.0 has no way to write these.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass
class Label:
    """One label that a span or an answer may have. Colour is `#rrggbb`; the interface chooses an empty one."""

    title: str = ""
    description: str = ""
    color: str = ""
    hotkey: str = ""


@dataclass
class Target:
    """Something that a question asks about; `aliases` are words by which a text mentions it."""

    title: str = ""
    aliases: list[str] = field(default_factory=list)


@dataclass
class Renames:
    """Earlier names of one question's labels and targets, each with the name it has now (or had next)."""

    labels: dict[str, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)


@dataclass
class Question:
    """One question put to annotators. A kind of question is a subclass; the fields it accepts in YAML are its own.

    `gives` says where its answers go: "spans" (SPANS), "answers" (ANSWERS) or "notes" (columns of ANNOTATIONS).
    """

    kind: ClassVar[str] = ""
    gives: ClassVar[str] = "answers"
    #: The value of the column `kind` in SPANS; empty for questions that do not give spans.
    span_kind: ClassVar[str] = ""
    #: Which settings of a label mean something for this kind.
    label_settings: ClassVar[tuple[str, ...]] = ("title", "description", "color")
    #: Fields that YAML calls by another name, by that name.
    written_as: ClassVar[Mapping[str, str]] = {}
    #: The fields that hold names which may be renamed, by their YAML name, with the noun for one of them.
    vocabulary: ClassVar[Mapping[str, str]] = {}

    name: str = field(default="", init=False)
    #: What people read as the question; empty when the kind has fixed words.
    heading: str = field(default="", init=False)
    labels: dict[str, Label] = field(default_factory=dict, init=False)
    #: What answers are about: "fixed" targets, those of each "article", each "mention", or "" for the whole chunk.
    mode: str = field(default="", init=False)
    targets: dict[str, Target] = field(default_factory=dict, init=False)
    #: The label that says that there is nothing to judge; it needs no evidence.
    absent: str = field(default="", init=False)
    #: The labels of an ordinal question, from one end to the other; ordinal agreement leaves out all others.
    order: list[str] = field(default_factory=list, init=False)
    #: Whether several options may be chosen: each option is then a target that is answered "yes" or "no".
    many: bool = field(default=False, init=False)
    #: Whether an annotation without an answer is incomplete.
    required: bool = field(default=True, init=False)
    #: Whether a span may be inside, or cross, another span of the question.
    nesting: bool = field(default=True, init=False)
    overlap: bool = field(default=True, init=False)

    def asked(self, targets: Iterable[str] | None) -> list[str] | None:
        """The targets asked about in a window with these targets of its own; None when every mention is one."""
        if self.mode == "mention":
            return None
        return list(targets or ()) if self.mode == "article" else list(self.targets) or [""]

    def title(self, target: str) -> str:
        """What people read for a target; for "" what they read as the question."""
        found = self.targets.get(target)
        return found.title if found and found.title else target or self.heading or self.name

    def label_title(self, label: str) -> str:
        """What people read for a label."""
        found = self.labels.get(label)
        return found.title if found and found.title else label

    def names(self, key: str) -> dict[str, Any]:
        """What YAML lists under a key of `vocabulary`, by name."""
        found: dict[str, Any] = getattr(self, self.written_as.get(key, key))
        return found

    def renamed(self, renames: Renames) -> Renames:
        """Renames of names in YAML as renames of labels and targets in tables."""
        return renames

    def faults(self, scheme: "Scheme") -> Iterator[Fault]:
        """What is wrong with the question; keys are relative to it."""
        for key, noun in self.vocabulary.items():
            yield from _entry_faults(key, noun, self.names(key))
        yield from _character_faults("title", self.heading)
        if self.order and self.many:
            yield Fault("order", "several options may hold, so they are not ordinal.", "Remove it.")
        elif strange := [name for name in self.order if name not in self.labels]:
            near = get_close_matches(strange[0], self.labels)
            hint = f"Did you mean {near[0]}?" if near else f"Choose among {', '.join(self.labels)}."
            yield Fault("order", f"{strange[0]!r} is not a label of the question.", hint)
        elif self.order and not 1 < len(self.order) == len(set(self.order)):
            yield Fault("order", "an order has two labels or more, each of them once.", "Correct it, or remove it.")


@dataclass
class Scheme:
    """A label scheme; raises `SchemeError` with every fault when it contradicts itself."""

    name: str = "???"
    version: str = "1"
    questions: dict[str, Question] = field(default_factory=dict)
    guidelines: str = ""
    #: Names of earlier versions, by version and question: what they are called now.
    migrations: dict[str, dict[str, Renames]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, question in self.questions.items():
            question.name = name
        self.check()

    def check(self) -> None:
        """Raises `SchemeError` with every fault."""
        if found := list(self.faults()):
            raise SchemeError.of(found)

    def of_kind(self, kind: str) -> list[Question]:
        """The questions of a kind, in order."""
        return [question for question in self.questions.values() if question.kind == kind]

    def names(self, question: str, version: str = "") -> Renames:
        """Every known name in a question's vocabulary, earlier or current, with its current name.

        Renames of renames are followed. The renames from `version` come first: they decide where versions differ.
        """
        order = [version, *self.migrations]
        steps = [self.migrations[v][question] for v in order if question in self.migrations.get(v, ())]
        asked = self.questions[question]
        known = {key: resolve(asked.names(key), [getattr(step, key) for step in steps]) for key in asked.vocabulary}
        return Renames(**known)

    def renames(self, question: str) -> Renames:
        """The current name of every earlier label and target that tables may contain."""
        known = self.names(question)
        earlier = [{old: new for old, new in names.items() if old != new} for names in (known.labels, known.targets)]
        return self.questions[question].renamed(Renames(*earlier))

    def faults(self) -> Iterator[Fault]:
        """Everything that contradicts itself, by key below `labels`."""
        yield from _character_faults("labels.guidelines", self.guidelines)
        if all(question.gives == "notes" for question in self.questions.values()):
            yield Fault("labels.questions", "nothing is asked.", "Add entities, stance, or another question.")
        yield from (f._replace(key=f"labels.{f.key}") for f in _entry_faults("questions", "question", self.questions))
        for name, question in self.questions.items():
            yield from (f._replace(key=f"labels.questions.{name}.{f.key}") for f in question.faults(self))
        yield from self._shared_faults()
        for version, step in self.migrations.items():
            for name, renames in step.items():
                yield from self._migration_faults(f"labels.migrations.{version}.{name}", name, renames)

    def _shared_faults(self) -> Iterator[Fault]:
        """Hotkeys, and labels of spans, are shared by all questions."""
        keys: dict[str, str] = {}
        spans: dict[str, str] = {}
        for name, question in self.questions.items():
            for label, shown in question.labels.items():
                key = f"labels.questions.{name}.labels.{label}"
                if shown.hotkey and keys.setdefault(shown.hotkey, label) != label:
                    problem = f"hotkey {shown.hotkey!r} is also the key of {keys[shown.hotkey]}."
                    yield Fault(f"{key}.hotkey", problem, "Change one.")
                if question.span_kind and spans.setdefault(label, name) != name:
                    yield Fault(key, f"{spans[label]} has a label of this name, too.", "Use another name.")

    def _migration_faults(self, key: str, name: str, renames: Renames) -> Iterator[Fault]:
        question = self.questions.get(name)
        if question is None:
            yield Fault(key, f"the scheme has no question {name!r}.", f"Questions: {', '.join(self.questions)}.")
            return
        for what in ("labels", "targets"):
            given = getattr(renames, what)
            if given and what not in question.vocabulary:
                yield Fault(f"{key}.{what}", f"{name} has no {what} of its own.", "Remove it.")
                continue
            current = set(question.names(what) if what in question.vocabulary else ())
            steps = [getattr(step[name], what) for step in self.migrations.values() if name in step]
            for old, new in given.items():
                at = f"{key}.{what}.{old}"
                if old in current:
                    hint = "Remove it, or its migration."
                    yield Fault(at, f"{old} is renamed to {new} but is still there.", hint)
                if new not in current.union(*steps):
                    yield Fault(at, f"{old} is renamed to {new}, which is not there.", "Name a present one.")


def resolve(current: Iterable[str], steps: list[dict[str, str]]) -> dict[str, str]:
    """Every known name, earlier or current, with its current name; renames of renames are followed.

    >>> resolve(["C"], [{"A": "B"}, {"B": "C"}])
    {'C': 'C', 'A': 'C', 'B': 'C'}
    """
    known = {name: name for name in current}
    now: dict[str, str] = {}
    for old, new in (rename for step in steps for rename in step.items()):
        now.setdefault(old, new)
    for old in now:
        name = old
        for _ in now:
            name = name if name in known else now.get(name, name)
        if name in known:
            known.setdefault(old, known[name])
    return known


def _entry_faults(key: str, noun: str, entries: Mapping[str, Any]) -> Iterator[Fault]:
    """Names are plain words; what people read differs from name to name, and XML can hold it."""
    names: dict[str, str] = {}
    shown: dict[str, str] = {}
    for name, entry in entries.items():
        at = f"{key}.{name}"
        if not _NAME.match(name):
            hint = "Use letters, digits, '_' and '-' for the name, and put what people read into its title."
            yield Fault(at, f"{noun} {name!r} is not a plain name.", hint)
        if (other := names.setdefault(name.casefold(), name)) != name:
            yield Fault(at, f"{noun} {name!r} is there twice (also as {other!r}).", "Remove one.")
        if not isinstance(entry, Label | Target):
            continue
        words = entry.title or name
        if (other := shown.setdefault(words, name)) != name:
            yield Fault(at, f"{other} is shown as {words!r}, too.", "Change one.")
        for what in ("title", "description", "hotkey"):
            yield from _character_faults(f"{at}.{what}", getattr(entry, what, ""))
        if isinstance(entry, Label) and entry.color and not _COLOR.match(entry.color):
            hint = "Write it as six hexadecimal digits, such as '#2563eb'."
            yield Fault(f"{at}.color", f"{entry.color!r} is not a colour.", hint)
        if isinstance(entry, Label) and entry.hotkey == RESERVED_KEY:
            yield Fault(f"{at}.hotkey", f"hotkey {RESERVED_KEY!r} deselects a span in Label Studio.", "Use another.")


def _character_faults(key: str, words: str) -> Iterator[Fault]:
    if bad := _UNWRITABLE.search(words):
        yield Fault(key, f"it contains the control character {bad.group()!r}.", "Remove it.")
