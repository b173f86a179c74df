"""Evidence: spans that justify a stance, each naming the targets it concerns."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from builder.errors import Fault
from builder.questions.kind import Kind, Row, Statement, Writing, put, unknown
from builder.questions.page import SHIFTED_DIGITS, SPANS, ZERO, InterfacePage, KeyRow, names_on
from builder.questions.raw import Choices
from builder.questions.reading import Dispatch, Reading, SpanLabel
from builder.questions.stance import Stance
from builder.scheme import Label, Renames, Scheme

EVIDENCE = "EVIDENCE"
#: The control that asks which targets a span concerns.
CONCERNS = "evidence_target"
COLOR = "#ca8a04"


@dataclass(kw_only=True)
class Evidence(Kind):
    """Spans with the one label EVIDENCE. In mention mode they name no target."""

    kind: ClassVar[str] = "evidence"
    gives: ClassVar[str] = "spans"
    span_kind: ClassVar[str] = "evidence"

    labels: dict[str, Label] = field(default_factory=lambda: {EVIDENCE: Label()}, init=False)

    def faults(self, scheme: Scheme) -> Iterator[Fault]:
        yield from super().faults(scheme)
        if not scheme.of_kind(Stance.kind):
            yield Fault("kind", "evidence justifies a stance, and none is asked.", "Add a question of kind stance.")

    def key_rows(self, scheme: Scheme) -> list[KeyRow]:
        rows = [KeyRow(SPANS, [EVIDENCE], ZERO)]
        stance = _stance(scheme)
        if stance.mode == "fixed":
            rows.append(KeyRow(CONCERNS, list(stance.targets), SHIFTED_DIGITS))
        return rows

    def show(self, page: InterfacePage) -> None:
        page.mark(EVIDENCE, "Words that justify a stance", COLOR)
        if targets := {alias: Label(title) for alias, title in _stance(page.scheme).slots().items()}:
            what = f"Click a marked {EVIDENCE} span to say which target it concerns."
            title, ask = "This evidence concerns", "Say which target each evidence span concerns."
            page.about_region(what, CONCERNS, title, targets, ask, [EVIDENCE], many=True)

    @classmethod
    def found(cls, page: ET.Element) -> Iterator[tuple[str, Self]]:
        if EVIDENCE in names_on(page, SPANS):
            yield cls.kind, cls()

    def read(self, dispatch: Dispatch) -> None:
        stance = _stance(dispatch.scheme)
        targets = stance.aliases(dispatch)

        def targets_of(reading: Reading, region: str) -> list[str]:
            about = reading.take_about(region, CONCERNS)
            return reading.known(targets, *about, "target") if about else []

        names_targets = stance.mode != "mention"
        if names_targets:
            dispatch.control(CONCERNS, Choices, Reading.add_about)
        dispatch.spans[EVIDENCE] = SpanLabel(EVIDENCE, self.span_kind, targets_of if names_targets else None)

    def write_region(self, rows: Sequence[Row], writing: Writing) -> None:
        mine = [row for row in rows if row["kind"] == self.span_kind]
        if about := [target for row in mine for target in row["targets"] or ()]:
            stance = _stance(writing.scheme)
            writing.about_region(CONCERNS, [stance.alias(target, writing.targets) for target in about])

    def state(self, said: Any, statement: Statement) -> None:
        """`[{"start", "end", "targets": [...]}, ...]`."""
        asked = _stance(statement.scheme).asked(statement.targets)
        for mark in said or ():
            about = list(mark.get("targets") or [])
            unknown(about, about if asked is None else asked, "targets of evidence")
            statement.span(self, mark, EVIDENCE, about)

    def parts(self) -> list[str]:
        return ["evidence"]

    def rename(self, item: dict[str, Any], renames: Mapping[str, Renames]) -> None:
        if item.get("from_name") == CONCERNS:
            put(item, renames[Stance.kind].targets)


def _stance(scheme: Scheme) -> Stance:
    found = scheme.questions[Stance.kind]
    assert isinstance(found, Stance)
    return found
