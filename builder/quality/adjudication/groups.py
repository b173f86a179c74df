"""Groups of spans that annotators may have meant as one: spans with the same bounds, or overlapping ones."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from builder.quality.voters import Voters


class MarkedSpan(NamedTuple):
    """One annotator's span, in article coordinates."""

    annotation_id: str
    start: int
    end: int
    label: str
    text: str
    targets: tuple[str, ...]


@dataclass
class SpanGroup:
    """Spans in one chunk that compete for being one gold span."""

    chunk_id: str
    kind: str
    spans: list[MarkedSpan] = field(default_factory=list)

    @property
    def labels(self) -> set[str]:
        return {s.label for s in self.spans}

    def labels_of(self) -> dict[str, list[str]]:
        """The labels that each annotation gave, in alphabetical order."""
        given: dict[str, set[str]] = defaultdict(set)
        for s in self.spans:
            given[s.annotation_id].add(s.label)
        return {annotation: sorted(labels) for annotation, labels in given.items()}

    def bounds(self, label: str) -> tuple[int, int, str]:
        """Most common bounds (and their text) among spans of the label; of equals the longest, then the first."""
        counts = Counter((s.start, s.end, s.text) for s in self.spans if s.label == label)
        return min(counts, key=lambda b: (-counts[b], b[0] - b[1], b[0], b[2]))

    def targets(self, label: str, certain: bool) -> list[str]:
        """Targets named by more than half of the spans of the label, or with `certain` false by any of them."""
        spans = [s for s in self.spans if s.label == label]
        counts = Counter(t for s in spans for t in s.targets)
        return sorted(t for t, n in counts.items() if not certain or 2 * n > len(spans))

    def of(self, annotations: Collection[str]) -> "SpanGroup":
        """The spans of some annotations; all spans when these annotations have none."""
        mine = [s for s in self.spans if s.annotation_id in annotations]
        return SpanGroup(self.chunk_id, self.kind, mine) if mine else self


def voted_spans(spans: pa.Table, voters: Voters) -> dict[tuple[str, str], list[MarkedSpan]]:
    """The spans of annotations that vote, by chunk and kind, in the order of the text."""
    allowed = {v.annotation_id for chunk in voters.chunks for v in voters.of(chunk)}
    columns = ("annotation_id", "chunk_id", "kind", "start", "end", "label", "text", "targets")
    found: dict[tuple[str, str], set[MarkedSpan]] = defaultdict(set)
    for annotation, chunk, kind, start, end, label, text, targets in zip(
        *(spans[c].to_pylist() for c in columns), strict=True
    ):
        if annotation in allowed:
            found[chunk, kind].add(MarkedSpan(annotation, start, end, label, text, tuple(targets or ())))
    return {key: sorted(found[key], key=lambda s: (s.start, -s.end, s.label, s.annotation_id)) for key in sorted(found)}


def same_bounds(spans: pa.Table, voters: Voters) -> list[SpanGroup]:
    """Groups of spans that have the very same bounds."""
    out: list[SpanGroup] = []
    for (chunk, kind), marked in voted_spans(spans, voters).items():
        groups: dict[tuple[int, int], SpanGroup] = {}
        for span in marked:
            groups.setdefault((span.start, span.end), SpanGroup(chunk, kind)).spans.append(span)
        out += groups.values()
    return out


def overlapping(spans: pa.Table, voters: Voters, min_overlap: float) -> list[SpanGroup]:
    """Groups of spans that overlap the group's first bounds by `min_overlap` (intersection over union) or more.

    Bounds that most annotators gave start a group first; of equals the longest, then the first in the text. A group
    takes the nearest spans that no earlier group took: from each annotator those of one pair of bounds.
    """
    out: list[SpanGroup] = []
    for (chunk, kind), marked in voted_spans(spans, voters).items():
        by_bounds: dict[tuple[int, int], list[MarkedSpan]] = defaultdict(list)
        for span in marked:
            by_bounds[span.start, span.end].append(span)
        givers = {b: len({s.annotation_id for s in given}) for b, given in by_bounds.items()}
        for seed in sorted(by_bounds, key=lambda b: (-givers[b], b[0] - b[1], b[0])):
            if not by_bounds[seed]:
                continue
            group = SpanGroup(chunk, kind)
            for bounds in sorted(by_bounds, key=lambda b: (-_overlap(seed, b), b)):
                if _overlap(seed, bounds) < min_overlap:
                    break
                inside = {s.annotation_id for s in group.spans}
                taken = [s for s in by_bounds[bounds] if s.annotation_id not in inside]
                group.spans += taken
                by_bounds[bounds] = [s for s in by_bounds[bounds] if s not in taken]
            out.append(group)
    return out


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    shared = max(min(one[1], other[1]) - max(one[0], other[0]), 0)
    return shared / (one[1] - one[0] + other[1] - other[0] - shared) if shared else 0.0
