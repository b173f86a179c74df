"""Mentions that annotators marked with different bounds: one place each, so that votes about one mention meet."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import pyarrow as pa

from builder.tables import ANSWERS, build, rows_of

#: Start, end and words.
Place = tuple[int, int, str]


def one_place_each(answers: pa.Table, spans: pa.Table, counting: Collection[str]) -> pa.Table:
    """ANSWERS with one place per mention, though annotators marked it with different bounds.

    Overlapping spans with one entity label are one mention, unless an annotation holds both. A mention has the bounds
    and words that most of the annotations in `counting` gave it; of equals the longest, then the first. Answers about
    no mention stay as they are.
    """
    if answers["start"].null_count == answers.num_rows:
        return answers
    labels = {
        (annotation, span): label for annotation, span, label in rows_of(spans, "annotation_id", "span_id", "label")
    }
    rows: list[dict[str, Any]] = answers.to_pylist()
    marked: dict[Any, dict[Place, set[str]]] = defaultdict(lambda: defaultdict(set))
    about: list[tuple[dict[str, Any], Any, Place]] = []
    for row in rows:
        if row["start"] is not None:
            key = (row["chunk_id"], row["question"], labels.get((row["annotation_id"], row["span_id"])))
            place = (row["start"], row["end"], row["target"])
            marked[key][place].add(row["annotation_id"])
            about.append((row, key, place))
    places = {key: _settled(found, set(counting)) for key, found in marked.items()}
    for row, key, place in about:
        row["start"], row["end"], row["target"] = places[key][place]
    return build(rows, ANSWERS)


def _settled(marked: dict[Place, set[str]], counting: set[str]) -> dict[Place, Place]:
    """The place of the mention that each marked place is of; `marked` has the annotations of each."""
    mentions: dict[Place, set[str]] = {}
    found: dict[Place, Place] = {}
    for place in sorted(marked, key=lambda p: (-len(marked[p] & counting), p[0] - p[1], p)):
        shared = {
            known: min(place[1], known[1]) - max(place[0], known[0])
            for known, givers in mentions.items()
            if givers.isdisjoint(marked[place])
        }
        best = max(shared, key=lambda known: shared[known], default=place)
        found[place] = best if shared.get(best, 0) > 0 else place
        mentions.setdefault(found[place], set()).update(marked[place])
    return found
