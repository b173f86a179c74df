"""Groups of marks that annotators may have meant as one span: the very same bounds, or overlapping ones."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from builder.quality.panel import Panel
from builder.quality.settings import Aggregation


class Mark(NamedTuple):
    """One annotator's span, in article coordinates."""

    annotation_id: str
    start: int
    end: int
    label: str
    text: str
    targets: tuple[str, ...]


@dataclass
class Group:
    """Marks in one chunk that compete for being one gold span."""

    chunk_id: str
    kind: str
    marks: list[Mark] = field(default_factory=list)

    @property
    def labels(self) -> set[str]:
        return {m.label for m in self.marks}

    def labels_of(self) -> dict[str, list[str]]:
        """The labels each annotation gave, alphabetically."""
        given: dict[str, set[str]] = defaultdict(set)
        for m in self.marks:
            given[m.annotation_id].add(m.label)
        return {annotation: sorted(labels) for annotation, labels in given.items()}

    def bounds(self, label: str) -> tuple[int, int, str]:
        """The bounds (and text) that most marks of the label have; among equals the longest, then the first."""
        counts = Counter((m.start, m.end, m.text) for m in self.marks if m.label == label)
        return min(counts, key=lambda b: (-counts[b], b[0] - b[1], b[0], b[2]))

    def targets(self, label: str, certain: bool) -> list[str]:
        """Targets named by more than half of the marks of the label, or (not certain) by any."""
        marks = [m for m in self.marks if m.label == label]
        counts = Counter(t for m in marks for t in m.targets)
        return sorted(t for t, n in counts.items() if not certain or 2 * n > len(marks))


def _marks(spans: pa.Table, panel: Panel) -> dict[tuple[str, str], list[Mark]]:
    """The marks of annotations that vote, by chunk and kind, in the order of the text."""
    voting = {v.annotation_id for chunk in panel.chunks for v in panel.voters(chunk)}
    columns = ("annotation_id", "chunk_id", "kind", "start", "end", "label", "text", "targets")
    by_chunk: dict[tuple[str, str], set[Mark]] = defaultdict(set)
    for annotation, chunk, kind, start, end, label, text, targets in zip(
        *(spans[c].to_pylist() for c in columns), strict=True
    ):
        if annotation in voting:
            by_chunk[chunk, kind].add(Mark(annotation, start, end, label, text, tuple(targets or ())))
    return {k: sorted(by_chunk[k], key=lambda m: (m.start, -m.end, m.label, m.annotation_id)) for k in sorted(by_chunk)}


def exact(spans: pa.Table, panel: Panel, settings: Aggregation) -> list[Group]:
    """Marks of one group have the very same bounds."""
    out: list[Group] = []
    for (chunk, kind), marks in _marks(spans, panel).items():
        groups: dict[tuple[int, int], Group] = {}
        for m in marks:
            groups.setdefault((m.start, m.end), Group(chunk, kind)).marks.append(m)
        out += groups.values()
    return out


GROUPINGS: dict[str, Callable[[pa.Table, Panel, Aggregation], list[Group]]] = {"exact": exact}
