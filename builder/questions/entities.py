"""Entities: spans that name somebody or something, each with a label."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, ClassVar, Self

from builder.questions.evidence import EVIDENCE
from builder.questions.kind import Kind, Statement, unknown
from builder.questions.page import DIGITS, SPANS, InterfacePage, names_on
from builder.questions.reading import Dispatch, SpanLabel
from builder.scheme import Label

#: Colours dark enough to read as text on white and on their own tint; evidence keeps its own.
PALETTE = (
    "#2563eb", "#7c3aed", "#c2410c", "#be123c", "#0f766e", "#4d7c0f", "#a21caf", "#0369a1", "#92400e", "#475569",
    "#15803d", "#6d28d9", "#b91c1c", "#1d4ed8", "#854d0e", "#9d174d",
)  # fmt: skip


@dataclass(kw_only=True)
class Entities(Kind):
    """Spans with one of the labels. A span may be inside another (`nesting`) or cross it (`overlap`)."""

    kind: ClassVar[str] = "entities"
    gives: ClassVar[str] = "spans"
    span_kind: ClassVar[str] = "entity"
    label_settings: ClassVar[tuple[str, ...]] = ("description", "color", "hotkey")
    vocabulary: ClassVar[Mapping[str, str]] = {"labels": "entity label"}
    key_source: ClassVar[str] = DIGITS

    labels: dict[str, Label] = field(default_factory=dict)
    nesting: bool = True
    overlap: bool = False

    @property
    def control(self) -> str:
        return SPANS

    def show(self, page: InterfacePage) -> None:
        for name, color in self.colors().items():
            page.mark(name, self.labels[name].description, color)

    def colors(self) -> dict[str, str]:
        """Colour by label: the scheme's own, or the next one of the palette that it does not use."""
        given = {label.color.lower() for label in self.labels.values()}
        free = cycle([color for color in PALETTE if color not in given] or PALETTE)
        return {name: label.color or next(free) for name, label in self.labels.items()}

    @classmethod
    def found(cls, page: ET.Element) -> Iterator[tuple[str, Self]]:
        if labels := {name: Label() for name in names_on(page, SPANS) if name != EVIDENCE}:
            yield cls.kind, cls(labels=labels)

    def read(self, dispatch: Dispatch) -> None:
        for given, label in dispatch.names(self).labels.items():
            dispatch.spans[given] = SpanLabel(label, self.span_kind, None)

    def state(self, said: Any, statement: Statement) -> None:
        """`[{"start", "end", "label"}, ...]`; "text", where it is given, is compared with the chunk's."""
        for mark in said or ():
            unknown([mark["label"]], self.labels, "entity label")
            statement.span(self, mark, mark["label"])
