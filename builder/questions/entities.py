"""Entities: spans that name somebody or something, each with a label."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from builder.questions.evidence import EVIDENCE
from builder.questions.hotkeys import DIGITS, KeyRow
from builder.questions.kind import Kind, put, unknown
from builder.questions.reading import Dispatch, SpanLabel
from builder.questions.tags import SPANS, FoundControls, InterfacePage, element, literal
from builder.questions.writing import Statement
from builder.scheme import Label, Renames, Scheme

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

    labels: dict[str, Label] = field(default_factory=dict)
    nesting: bool = True
    overlap: bool = False

    def key_rows(self, scheme: Scheme) -> list[KeyRow]:
        given = {name: label.hotkey for name, label in self.labels.items()}
        return [KeyRow(SPANS, list(self.labels), DIGITS, given)]

    def show(self, page: InterfacePage) -> None:
        color, keys = self.colors(), page.keys_of(SPANS)
        page.spans += [
            element("Label", value=n, background=color[n], hotkey=keys.get(n, ""), hint=literal(label.description))
            for n, label in self.labels.items()
        ]

    def colors(self) -> dict[str, str]:
        """Colour by label: the scheme's own, or the next one of the palette that it does not use."""
        given = {label.color.lower() for label in self.labels.values()}
        free = [color for color in PALETTE if color not in given] or list(PALETTE)
        chosen: dict[str, str] = {}
        for name, label in self.labels.items():
            chosen[name] = label.color or free[sum(not self.labels[n].color for n in chosen) % len(free)]
        return chosen

    @classmethod
    def found(cls, controls: FoundControls) -> Iterator[tuple[str, Self]]:
        if labels := {name: Label() for name in controls.labels if name != EVIDENCE}:
            yield cls.kind, cls(labels=labels)

    def read(self, dispatch: Dispatch) -> None:
        for given, label in dispatch.names(self).labels.items():
            dispatch.spans[given] = SpanLabel(label, self.span_kind, None)

    def state(self, said: Any, statement: Statement) -> None:
        """`[{"start", "end", "label"}, ...]`; "text", where it is given, is compared with the chunk's."""
        for mark in said or ():
            unknown([mark["label"]], self.labels, "entity label")
            statement.span(self, mark, mark["label"])

    def rename(self, item: dict[str, Any], renames: Mapping[str, Renames]) -> None:
        if item.get("from_name") == SPANS:
            put(item, "labels", renames[self.name].labels)
