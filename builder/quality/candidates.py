"""Groups of marks that annotators may have meant as one span: the very same bounds, or overlapping ones.

Sequences of tokens are adjudicated in gold_tokens.py.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
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
        given = [(m.start, m.end, m.text) for m in self.marks if m.label == label]
        if given.count(given[0]) == len(given):
            return given[0]
        counts = Counter(given)
        return min(counts, key=lambda b: (-counts[b], b[0] - b[1], b[0], b[2]))

    def targets(self, label: str, certain: bool) -> list[str]:
        """Targets named by more than half of the marks of the label, or (not certain) by any."""
        marks = [m for m in self.marks if m.label == label]
        if not any(m.targets for m in marks):
            return []
        counts = Counter(t for m in marks for t in m.targets)
        return sorted(t for t, n in counts.items() if not certain or 2 * n > len(marks))

    def of(self, annotations: Collection[str]) -> "Group":
        """The marks of some annotations; all of them when these have none."""
        mine = [m for m in self.marks if m.annotation_id in annotations]
        return Group(self.chunk_id, self.kind, mine) if mine else self


def marks_of(spans: pa.Table, panel: Panel) -> dict[tuple[str, str], list[Mark]]:
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
    for (chunk, kind), marks in marks_of(spans, panel).items():
        groups: dict[tuple[int, int], Group] = {}
        for m in marks:
            groups.setdefault((m.start, m.end), Group(chunk, kind)).marks.append(m)
        out += groups.values()
    return out


def overlap(spans: pa.Table, panel: Panel, settings: Aggregation) -> list[Group]:
    """Marks of one group overlap its most common bounds by `min_overlap` (intersection over union) or more.

    The bounds that most annotators gave found a group first, among equals the longest, then the first. Each takes in
    the marks nearest to it, one an annotator (with all its labels), that no earlier group took.
    """
    out: list[Group] = []
    for (chunk, kind), marks in marks_of(spans, panel).items():
        by_bounds: dict[tuple[int, int], list[Mark]] = defaultdict(list)
        for m in marks:
            by_bounds[m.start, m.end].append(m)
        givers = {b: len({m.annotation_id for m in ms}) for b, ms in by_bounds.items()}
        for seed in sorted(by_bounds, key=lambda b: (-givers[b], b[0] - b[1], b[0])):
            group = Group(chunk, kind)
            nearest = sorted(by_bounds, key=lambda b: (-_overlap(seed, b), b))
            for bounds in nearest:
                if _overlap(seed, bounds) < settings.min_overlap or (bounds != seed and not group.marks):
                    break
                inside = {m.annotation_id for m in group.marks}
                taken = [m for m in by_bounds[bounds] if m.annotation_id not in inside]
                group.marks += taken
                by_bounds[bounds] = [m for m in by_bounds[bounds] if m not in taken]
            if group.marks:
                out.append(group)
    return out


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return max(shared, 0) / (one[1] - one[0] + other[1] - other[0] - shared) if shared > 0 else 0.0


GROUPINGS: dict[str, Callable[[pa.Table, Panel, Aggregation], list[Group]]] = {"exact": exact, "overlap": overlap}
