"""Stance: the position a chunk takes toward each target.

Targets are those of the scheme ("fixed"), of each article ("article"), or the marked entities ("mention").
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any, ClassVar, Self

from builder.errors import Fault, SchemeError
from builder.questions.kind import Kind, Row, Statement, Writing, put, unknown
from builder.questions.page import BLOCK, InterfacePage, KeyRow, css_text, header, literal, names_on, view
from builder.questions.raw import Choices
from builder.questions.reading import Dispatch, Reading, RegionHandler
from builder.scheme import Label, Renames, Scheme, Target

MODES = ("fixed", "article", "mention")
#: Controls: one per target, `stance__<target>` or `stance__<number>`; or the one asked about each selected mention.
PREFIX = "stance__"
MENTION = "mention_stance"
#: Nobody answers more about one text, and the page would not hold them.
_MOST_TARGETS = 100
_PALETTE = ("#15803d", "#b91c1c", "#1d4ed8", "#a16207", "#7e22ce", "#0e7490")
_ABSENT_COLOR = "#64748b"


@dataclass(kw_only=True)
class Stance(Kind):
    """One label per target. `absent` is the label that says that the target is not addressed."""

    kind: ClassVar[str] = "stance"
    vocabulary: ClassVar[Mapping[str, str]] = {"labels": "stance label", "targets": "target"}

    labels: dict[str, Label] = field(default_factory=dict)
    mode: str = "fixed"
    targets: dict[str, Target] = field(default_factory=dict)
    #: Most targets one article may list, in article mode.
    max_targets: int = 8
    absent: str = "none"
    order: list[str] = field(default_factory=list)

    def faults(self, scheme: Scheme) -> Iterator[Fault]:
        yield from super().faults(scheme)
        if self.mode not in MODES:
            yield Fault("mode", f"{self.mode!r} is no mode.", f"Choose one of {', '.join(MODES)}.")
        if not 1 <= self.max_targets <= _MOST_TARGETS:
            yield Fault(
                "max_targets", f"{self.max_targets} is not between 1 and {_MOST_TARGETS}.", "Use another number."
            )
        if not self.labels:
            yield Fault("labels", "there are no stance labels.", "Add stance labels.")
        if self.labels and self.absent and self.absent not in self.labels:
            hint = f"Choose one of {', '.join(self.labels)}, or leave it empty."
            yield Fault("absent", f"{self.absent!r} is not a stance label.", hint)
        if self.mode == "fixed" and not self.targets:
            yield Fault("targets", "there are no targets.", "Add targets, or choose another mode.")
        if self.mode == "mention" and not _mentions(scheme):
            yield Fault("mode", "stances are asked per mention, but no entity is marked.", "Add entity labels.")

    def slots(self) -> dict[str, str]:
        """What is asked about the chunk: how results name each target, with the title shown (for numbered slots)."""
        if self.mode == "article":
            return {str(n): f"Target {n}" for n in range(1, self.max_targets + 1)}
        return {target: self.title(target) for target in self.targets} if self.mode == "fixed" else {}

    def alias(self, target: str, own: Sequence[str]) -> str:
        """How results name a target in a task that lists its own targets."""
        return str(list(own).index(target) + 1) if self.mode == "article" else target

    def aliases(self, dispatch: Dispatch) -> dict[str, str]:
        """Targets by how the results of a task name them; earlier names, too."""
        names = dispatch.names(self).targets
        if self.mode == "article":
            return {str(n): names.get(target, target) for n, target in enumerate(dispatch.targets, start=1)}
        return names if self.mode == "fixed" else {}

    def control_of(self, target: str) -> str:
        return PREFIX + target

    def key_rows(self, scheme: Scheme) -> list[KeyRow]:
        return [KeyRow(name, list(self.labels), BLOCK) for name in self._controls()]

    def show(self, page: InterfacePage) -> None:
        palette = cycle(_PALETTE)
        labels = {
            name: replace(label, color=label.color or (_ABSENT_COLOR if name == self.absent else next(palette)))
            for name, label in self.labels.items()
        }
        if self.mode == "mention":
            what = "Click a marked mention to choose the stance toward it."
            title, ask = "Stance toward this mention", "Choose the stance toward each mention."
            page.about_region(what, MENTION, title, labels, ask, _mentions(page.scheme))
            return
        rows = []
        for n, (name, alias) in enumerate(self._controls().items(), start=1):
            slot = self.mode == "article"
            title = f"$target_{n}" if slot else literal(self.title(alias))
            about = "the first target" if slot else title
            # Every article has a first target. The page would not let an empty later slot pass, so there it only marks
            # what is unanswered, and the checks after the pull find what is missing.
            demand = {"required": "true", "requiredMessage": f"Choose the stance toward {about}."}
            more = demand if n == 1 or not slot else {}
            rows.append(page.question("bd-target bd-asked", name, title, labels, False, **more))
        place = "bd-targets"
        if self.absent:
            place += f" bd-rest-{list(labels).index(self.absent) + 1}"
            rest = css_text(f"rest [space]: {self.label_title(self.absent)}")
            page.rules.append(f".bd-keys .bd .bd-rest h4::after {{ content: {rest}; }}")
        page.beside += [header("Stance toward", "bd-caption bd-rest"), view(place, *rows)]

    def task_data(self, targets: Sequence[str]) -> dict[str, Any]:
        if len(targets) > self.max_targets:
            raise SchemeError(
                f"An article lists {len(targets)} targets; the interface asks about {self.max_targets}.",
                f"Raise labels.questions.{self.name}.max_targets, or list fewer.",
            )
        slots: dict[str, Any] = {f"target_{n}": "" for n in range(1, self.max_targets + 1)}
        slots |= {f"target_{n}": f"{n} · {self.title(target)}" for n, target in enumerate(targets, start=1)}
        return slots

    @classmethod
    def found(cls, page: ET.Element) -> Iterator[tuple[str, Self]]:
        asked = [element.get("name", "") for element in page.iter("Choices")]
        names = [name for name in asked if name.startswith(PREFIX) or name == MENTION]
        aliases = [name.removeprefix(PREFIX) for name in names if name != MENTION]
        numbers = [int(alias) for alias in aliases if alias.isdecimal()]
        made = cls(
            labels={label: Label() for name in names for label in names_on(page, name)},
            targets={alias: Target() for alias in aliases if not alias.isdecimal()},
            mode="article" if numbers else "mention" if MENTION in names else "fixed",
            max_targets=max(numbers, default=cls.max_targets),
        )
        if names:
            yield cls.kind, made

    def read(self, dispatch: Dispatch) -> None:
        labels = dispatch.names(self).labels
        if self.mode == "mention":
            dispatch.control(MENTION, Choices, Reading.add_about)
            dispatch.regions.append(self._reader_of_mentions(labels, set(_mentions(dispatch.scheme))))
        for alias, target in self.aliases(dispatch).items():
            dispatch.one_answer(PREFIX + alias, (self.name, target), labels, "stance label")

    def write_region(self, rows: Sequence[Row], writing: Writing) -> None:
        for answer in writing.answers(self.name):
            if answer["span_id"] and answer["span_id"] == rows[0]["span_id"]:
                writing.about_region(MENTION, [answer["label"]])

    def write(self, writing: Writing) -> None:
        given = {row["target"]: row["label"] for row in writing.answers(self.name) if not row["span_id"]}
        for target in self.asked(writing.targets) or ():
            if target in given:
                control = PREFIX + self.alias(target, writing.targets)
                writing.item(control, "choices", {"choices": [given.pop(target)]}, control)
        if given:
            raise SchemeError(f"There are stances toward {', '.join(given)}, which the interface does not ask about.")

    def state(self, said: Any, statement: Statement) -> None:
        """`{target: label}`; in mention mode, each entity may carry its own "stance"."""
        targets = self.asked(statement.targets)
        given = dict(said or {})
        unknown(given, targets or (), "targets")
        unknown(given.values(), self.labels, "stance labels")
        for target, label in given.items():
            statement.answer(self.name, target, label)
        for number, (mark, row) in enumerate(statement.marks if targets is None else ()):
            if mark.get(self.name):
                unknown([mark[self.name]], self.labels, "stance labels")
                row["span_id"] = f"mention{number}"
                statement.answer(self.name, statement.words(row), mark[self.name], row["span_id"])

    def parts(self) -> list[str]:
        slots = [f"target slot {n}" for n in self.slots()] if self.mode == "article" else []
        return [f"target mode {self.mode}", *slots]

    def rename(self, item: dict[str, Any], renames: Mapping[str, Renames]) -> None:
        control, controls = item.get("from_name"), self._controls()
        if control in controls and isinstance(item.get("value"), dict):
            put(item, renames[self.name].labels)
            if controls[control] in renames[self.name].targets:
                item["from_name"] = PREFIX + renames[self.name].targets[controls[control]]

    def _reader_of_mentions(self, labels: Mapping[str, str], mentions: set[str]) -> RegionHandler:
        def read(reading: Reading, region: str, words: str | None, found: Sequence[str]) -> None:
            about = None if mentions.isdisjoint(found) else reading.take_about(region, MENTION)
            label = reading.one_label(labels, *about, "stance label") if about else None
            if label is not None and words is not None:
                reading.rows.answer(self.name, words, label, region)

        return read

    def _controls(self) -> dict[str, str]:
        """Every control, with how results name its target."""
        return {MENTION: ""} if self.mode == "mention" else {PREFIX + alias: alias for alias in self.slots()}


def _mentions(scheme: Scheme) -> list[str]:
    """The labels of spans that are mentions of somebody or something."""
    return [label for question in scheme.of_kind("entities") for label in question.labels]
