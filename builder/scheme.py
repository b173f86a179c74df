"""The label scheme: what annotators are asked, and the one source of every label name downstream.

The labeling interface, the decoder, the checks, the dataset features and the card all read this. Mappings keep the
order of the YAML; labels are stored by their key, shown by their title.
"""

import re
from dataclasses import dataclass, field

from builder.errors import SchemeError

EVIDENCE = "EVIDENCE"
TARGET_MODES = ("fixed", "article", "mention")
#: Label Studio deselects a span with it.
RESERVED_KEY = "u"
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}\Z")
# XML 1.0 has no way to write these.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass
class EntityLabel:
    """One kind of span. Colour is `#rrggbb`; an empty colour or hotkey is chosen by the interface."""

    description: str = ""
    color: str = ""
    hotkey: str = ""


@dataclass
class StanceLabel:
    """One answer to "what stance does this chunk take toward the target?"; an empty colour is chosen."""

    title: str = ""
    description: str = ""
    color: str = ""


@dataclass
class Target:
    """Something a chunk may take a stance toward; `aliases` are words by which a text mentions it."""

    title: str = ""
    aliases: list[str] = field(default_factory=list)


@dataclass
class Migration:
    """Label names of an earlier version, the key it stands under, and what they are called now: renames and merges."""

    entities: dict[str, str] = field(default_factory=dict)
    stance: dict[str, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)


@dataclass
class Scheme:
    """A label scheme; raises `SchemeError` when it contradicts itself."""

    name: str = "???"
    version: str = "1"
    entities: dict[str, EntityLabel] = field(default_factory=dict)
    stance: dict[str, StanceLabel] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    #: "fixed": the targets above; "article": the raw record's own list; "mention": every marked entity.
    target_mode: str = "fixed"
    #: Most targets one article may list, in article mode.
    max_targets: int = 8
    #: The stance label that says the target is not addressed; it needs no evidence.
    absent: str = "none"
    evidence: bool = True
    #: Whether a span may lie inside, or cross, another span.
    nesting: bool = True
    overlap: bool = False
    problems: dict[str, str] = field(default_factory=dict)
    comment: bool = True
    guidelines: str = ""
    migrations: dict[str, Migration] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_names()
        self._check_words()
        self._check_questions()
        self._check_keys_and_colors()
        self._check_migrations()

    def _fail(self, problem: str, hint: str) -> None:
        raise SchemeError(f"Label scheme {self.name!r}: {problem}", hint)

    def _check_names(self) -> None:
        for what, keys in (
            ("entity label", self.entities),
            ("stance label", self.stance),
            ("target", self.targets),
            ("problem", self.problems),
        ):
            seen: dict[str, str] = {}
            for key in keys:
                if not _KEY.match(key):
                    self._fail(
                        f"{what} {key!r} is not a plain name.",
                        "Use letters, digits, '_' and '-' for the name, and put what people read into its title.",
                    )
                if key.casefold() in seen:
                    self._fail(f"{what} {key!r} stands twice (also as {seen[key.casefold()]!r}).", "Remove one.")
                seen[key.casefold()] = key
        if EVIDENCE in self.entities:
            self._fail(f"{EVIDENCE} is the name of evidence spans.", "Give the entity label another name.")

    def _check_words(self) -> None:
        """What people read: told apart by its words, and nothing that XML cannot hold."""
        for what, shown in (
            ("stance labels", {key: self.stance_title(key) for key in self.stance}),
            ("targets", {key: self.title(key) for key in self.targets}),
            ("problems", {key: words or key for key, words in self.problems.items()}),
        ):
            first: dict[str, str] = {}
            for key, words in shown.items():
                if words in first:
                    self._fail(f"the {what} {first[words]} and {key} are both shown as {words!r}.", "Change one.")
                first[words] = key
        descriptions = [e.description for e in self.entities.values()] + [s.description for s in self.stance.values()]
        titles = [*map(self.title, self.targets), *map(self.stance_title, self.stance), *self.problems.values()]
        for words in (*descriptions, *titles, self.guidelines):
            if bad := _UNWRITABLE.search(words):
                self._fail(f"{words[:40]!r} holds the control character {bad.group()!r}.", "Remove it.")

    def _check_questions(self) -> None:
        if self.target_mode not in TARGET_MODES:
            self._fail(f"target_mode is {self.target_mode!r}.", f"Choose one of {', '.join(TARGET_MODES)}.")
        if self.max_targets < 1:
            self._fail(f"max_targets is {self.max_targets}.", "It is at least 1.")
        if self.stance and self.absent and self.absent not in self.stance:
            self._fail(
                f"absent is {self.absent!r}, which is not a stance label.",
                f"Choose one of {', '.join(self.stance)}, or leave it empty.",
            )
        if self.targets and not self.stance:
            self._fail("there are targets but no stance labels.", "Add stance labels.")
        if self.stance and self.target_mode == "fixed" and not self.targets:
            self._fail("there are stance labels but no targets.", "Add targets.")
        if self.stance and self.target_mode == "mention" and not self.entities:
            self._fail("stances are asked per mention, but no entity is marked.", "Add entity labels.")
        if not self.entities and not self.stance:
            self._fail("it asks for nothing.", "Add entity labels, or stance labels and targets.")

    def _check_keys_and_colors(self) -> None:
        hotkeys: dict[str, str] = {}
        for key, label in self.entities.items():
            if label.hotkey == RESERVED_KEY:
                self._fail(f"hotkey {RESERVED_KEY!r} of {key} deselects a span in Label Studio.", "Take another.")
            if label.hotkey and label.hotkey in hotkeys:
                self._fail(f"hotkey {label.hotkey!r} is given to {hotkeys[label.hotkey]} and {key}.", "Change one.")
            hotkeys[label.hotkey] = key
        colors = [(key, e.color) for key, e in self.entities.items()] + [
            (key, s.color) for key, s in self.stance.items()
        ]
        for key, color in colors:
            if color and not _COLOR.match(color):
                self._fail(f"{key} has the colour {color!r}.", "Write it as six hexadecimal digits, such as '#2563eb'.")

    def _check_migrations(self) -> None:
        for what, current, steps in (
            ("entity label", list(self.entities), [m.entities for m in self.migrations.values()]),
            ("stance label", list(self.stance), [m.stance for m in self.migrations.values()]),
            ("target", list(self.targets), [m.targets for m in self.migrations.values()]),
        ):
            for old, new in [pair for step in steps for pair in step.items()]:
                if old in current:
                    self._fail(f"{what} {old} is migrated to {new} but still there.", "Remove it, or its migration.")
                if new not in current and not any(new in step for step in steps):
                    self._fail(f"{what} {old} is migrated to {new}, which is not there.", "Name a present one.")

    def title(self, target: str) -> str:
        """What people read for a target."""
        found = self.targets.get(target)
        return found.title if found and found.title else target

    def stance_title(self, label: str) -> str:
        """What people read for a stance label."""
        found = self.stance.get(label)
        return found.title if found and found.title else label

    @property
    def questions(self) -> dict[str, "Question"]:
        """Every question of the scheme by name, in the order in which annotators see them."""
        found: dict[str, Question] = {}
        if self.entities:
            labels = {name: Label(description=e.description, color=e.color) for name, e in self.entities.items()}
            found["entities"] = Question("entities", "entities", "spans", labels)
        if self.stance:
            labels = {name: Label(s.title, s.description, s.color) for name, s in self.stance.items()}
            found["stance"] = Question(
                "stance", "stance", "answers", labels, mode=self.target_mode, targets=self.targets, absent=self.absent
            )
        if self.stance and self.evidence:
            found["evidence"] = Question("evidence", "evidence", "spans", {EVIDENCE: Label()})
        if self.problems:
            labels = {name: Label(title) for name, title in self.problems.items()}
            found["problems"] = Question("problems", "problems", "notes", labels)
        if self.comment:
            found["comment"] = Question("comment", "comment", "notes", {})
        return found


@dataclass
class Label:
    """One label that an answer or a span may have: what people read, and how it looks."""

    title: str = ""
    description: str = ""
    color: str = ""


@dataclass
class Question:
    """One question put to annotators, with the labels it may be answered with.

    `gives` says where its answers go: "spans" (SPANS), "answers" (ANSWERS) or "notes" (columns of ANNOTATIONS).
    """

    name: str
    kind: str
    gives: str
    labels: dict[str, Label]
    #: What answers are about: "fixed" targets, those of each "article", each "mention", or "" for the whole chunk.
    mode: str = ""
    targets: dict[str, Target] = field(default_factory=dict)
    #: The label that says that there is nothing to judge; it needs no evidence.
    absent: str = ""
    #: Whether several options may be chosen: each option is then a target that is answered "yes" or "no".
    many: bool = False

    def asked(self, targets: list[str] | None) -> list[str] | None:
        """The targets asked about in a window with these targets of its own; None when every mention is one."""
        if self.mode == "mention":
            return None
        return list(targets or ()) if self.mode == "article" else list(self.targets) or [""]

    def title(self, target: str) -> str:
        """What people read for a target."""
        found = self.targets.get(target)
        return found.title if found and found.title else target

    def label_title(self, label: str) -> str:
        """What people read for a label."""
        found = self.labels.get(label)
        return found.title if found and found.title else label
