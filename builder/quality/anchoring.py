"""Where windows, spans and mentions are: in their articles as they are now, and one place for each mention.

An edit elsewhere in an article moves a chunk. A window whose text its article no longer has belongs to an earlier
revision. What was said about it is left out, with an issue for each annotation, so that no label lands on text that
nobody saw. Mentions that annotators marked with different bounds get one place each, so that votes about one mention
meet.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.questions.rows import Decoded
from builder.tables import ANSWERS, ISSUES, build, rows_of

_PLACED = ("chunk_id", "article_id", "start", "text")


def anchored(decoded: Decoded, starts: Mapping[str, int], texts: Mapping[str, str]) -> Decoded:
    """The decoded pull in the coordinates of the articles as they are now.

    `starts` has the start of each chunk by id, `texts` the text of each article. Windows of articles that are not
    among them stay as they are.
    """
    windows = decoded.windows
    places = [_place(*row, starts=starts, texts=texts) for row in rows_of(windows, *_PLACED)]
    moved = np.array([0 if new is None else new - old for new, old in places], np.int64)
    gone = np.array([new is None for new, _ in places], np.bool_)
    if not moved.any() and not gone.any():
        return decoded
    lost, by_chunk = windows["chunk_id"].filter(pa.array(gone)), windows["chunk_id"].combine_chunks()
    said = decoded.annotations.filter(pc.is_in(decoded.annotations["chunk_id"], lost))
    about = {"severity": "warning", "path": "$", "message": "the article no longer has this text"}
    rows = said.select(["annotation_id", "chunk_id", "task_id", "annotator"]).to_pylist()
    issues = build([{**row, **about, "check": "article-edited"} for row in rows], ISSUES)

    def kept(table: pa.Table) -> pa.Table:
        return table.filter(pc.invert(pc.is_in(table["chunk_id"], lost)))

    def shifted(table: pa.Table) -> pa.Table:
        found = kept(table)
        delta = moved[pc.index_in(found["chunk_id"], value_set=by_chunk).to_numpy()]
        for name in ("start", "end"):
            column = pa.array(found[name].to_numpy() + delta, pa.int32())
            found = found.set_column(found.schema.get_field_index(name), found.schema.field(name), column)
        return found

    return Decoded(
        kept(decoded.annotations), shifted(decoded.spans), kept(decoded.answers),
        pa.concat_tables([decoded.issues, issues]), shifted(windows),
    )  # fmt: skip


def _place(
    chunk: str, article: str, start: int, text: str, *, starts: Mapping[str, int], texts: Mapping[str, str]
) -> tuple[int | None, int]:
    """Where a window is in its article now, or None, and where it was."""
    whole = texts.get(article)
    if whole is None or (whole.startswith(text, start) and starts.get(chunk, start) == start):
        return start, start
    now = starts.get(chunk, -1)
    if now >= 0 and whole.startswith(text, now):
        return now, start
    now = whole.find(text)
    return (now if now >= 0 and whole.find(text, now + 1) < 0 else None), start


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
