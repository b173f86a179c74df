"""The label scheme: what annotators are asked, and the one source of every label name downstream.

The labeling interface, the decoder, the checks, the dataset features and the card all read this. Mappings keep the
order of the YAML; labels are stored by their key, shown by their title.
"""

import re
from dataclasses import dataclass, field

from builder.errors import SchemeError

EVIDENCE = "EVIDENCE"
TARGET_MODES = ("fixed", "article", "mention")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


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
    """Old label names of an earlier version and what they are called now: a rename, or a merge of several."""

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
        where = f"Label scheme {self.name!r}"
        if self.target_mode not in TARGET_MODES:
            raise SchemeError(
                f"{where}: target_mode is {self.target_mode!r}.", f"Choose one of {', '.join(TARGET_MODES)}."
            )
        for what, keys in (
            ("entity label", self.entities),
            ("stance label", self.stance),
            ("target", self.targets),
            ("problem", self.problems),
        ):
            seen: dict[str, str] = {}
            for key in keys:
                if not _KEY.match(key):
                    raise SchemeError(
                        f"{where}: {what} {key!r} is not a plain name.",
                        "Use letters, digits, '_' and '-' for the name, and put what people read into its title.",
                    )
                if key.casefold() in seen:
                    raise SchemeError(
                        f"{where}: {what} {key!r} stands twice (also as {seen[key.casefold()]!r}).", "Remove one."
                    )
                seen[key.casefold()] = key
        if EVIDENCE in self.entities:
            raise SchemeError(
                f"{where}: {EVIDENCE} is the name of evidence spans.", "Give the entity label another name."
            )
        if self.stance and self.absent and self.absent not in self.stance:
            raise SchemeError(
                f"{where}: absent is {self.absent!r}, which is not a stance label.",
                f"Choose one of {', '.join(self.stance)}, or leave it empty.",
            )
        if self.targets and not self.stance:
            raise SchemeError(f"{where}: there are targets but no stance labels.", "Add stance labels.")
        if self.stance and self.target_mode == "fixed" and not self.targets:
            raise SchemeError(f"{where}: there are stance labels but no targets.", "Add targets.")
        if not self.entities and not self.stance:
            raise SchemeError(f"{where} asks for nothing.", "Add entity labels, or stance labels and targets.")
        hotkeys: dict[str, str] = {}
        for key, label in self.entities.items():
            if not label.hotkey:
                continue
            if label.hotkey in hotkeys:
                raise SchemeError(
                    f"{where}: hotkey {label.hotkey!r} is given to {hotkeys[label.hotkey]} and {key}.", "Change one."
                )
            hotkeys[label.hotkey] = key

    def title(self, target: str) -> str:
        """What people read for a target."""
        found = self.targets.get(target)
        return found.title if found and found.title else target

    def stance_title(self, label: str) -> str:
        """What people read for a stance label."""
        found = self.stance.get(label)
        return found.title if found and found.title else label
