"""The tables under check, as arrays that all checks share."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.errors import StoreError
from builder.quality.settings import Quality
from builder.scheme import Scheme

#: Target and label of every stance of an annotation, sorted.
Answers = tuple[tuple[str, str], ...]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Finding(NamedTuple):
    """One problem. `annotation` is a row of the annotations; the findings about a person have none."""

    annotation: int | None
    path: str
    message: str
    annotator: str | None = None


@dataclass
class View:
    """What was submitted, what was shown, and what was asked.

    `annotations`, `spans` and `stances` are of tables.py, `windows` of windows.py. `clusters` is the near-duplicate
    cluster of each article; `article_texts` the articles as they are now. Either may be empty: then the checks that
    need it find nothing.
    """

    annotations: pa.Table
    spans: pa.Table
    stances: pa.Table
    windows: pa.Table
    scheme: Scheme
    settings: Quality
    clusters: dict[str, str] = field(default_factory=dict)
    article_texts: dict[str, str] = field(default_factory=dict)
    #: Name of the control that asks for the stance toward a target, for the path of a finding.
    controls: dict[str, str] = field(default_factory=dict)
    #: What each annotator who failed the gold questions is told.
    failed_questions: dict[str, str] = field(default_factory=dict)

    @cached_property
    def submitted(self) -> Mask:
        """Annotations that somebody submitted: labelled or truthfully empty."""
        return booleans(pc.is_in(self.annotations["state"], pa.array(["labelled", "labelled-empty"])))

    @cached_property
    def annotation_of_span(self) -> Ints:
        """Row of the annotation of each span."""
        return _owners(self.spans, self.annotations)

    @cached_property
    def annotation_of_stance(self) -> Ints:
        """Row of the annotation of each stance."""
        return _owners(self.stances, self.annotations)

    @cached_property
    def answers(self) -> dict[int, Answers]:
        """The stances of each annotation row; where the scheme asks for none, the labels it marked and how often."""
        if not self.scheme.stance:
            out: dict[int, list[tuple[str, str]]] = defaultdict(list)
            counts = Counter(zip(self.annotation_of_span.tolist(), self.spans["label"].to_pylist(), strict=True))
            for (row, label), n in sorted(counts.items()):
                out[row].append((label, str(n)))
            return {row: tuple(given) for row, given in out.items()}
        target, targets = codes(self.stances["target"])
        label, labels = codes(self.stances["label"])
        rank, label_rank = (np.argsort(np.argsort(np.array(names, dtype=object))) for names in (targets, labels))
        owner = self.annotation_of_stance
        order = np.lexsort((label_rank[label], rank[target], owner)) if len(owner) else owner
        given = [(targets[t], labels[x]) for t, x in zip(target[order].tolist(), label[order].tolist(), strict=True)]
        rows, first = np.unique(owner[order], return_index=True)
        ends = np.append(first, len(given))[1:].tolist()
        return {row: tuple(given[low:high]) for row, low, high in zip(rows.tolist(), first.tolist(), ends, strict=True)}

    @cached_property
    def work(self) -> dict[str, dict[str, Answers]]:
        """For each annotator the answers to each chunk, in the order in which they were given."""
        names = ("created", "annotation_id", "annotator", "chunk_id")
        table = self.annotations.select(names).append_column("row", pa.array(range(self.annotations.num_rows)))
        table = table.filter(pa.array(self.submitted)).sort_by([(c, "ascending") for c in names[:2]])
        out: dict[str, dict[str, Answers]] = defaultdict(dict)
        for annotator, chunk, row in zip(
            *(table[c].to_pylist() for c in ("annotator", "chunk_id", "row")), strict=True
        ):
            out[annotator][chunk] = self.answers.get(row, ())
        return out

    @cached_property
    def window_of_span(self) -> Ints:
        """Row of the window of each span; -1 where there is none."""
        return positions(self.spans["chunk_id"], self.windows["chunk_id"])

    @cached_property
    def window_of_annotation(self) -> Ints:
        """Row of the window of each annotation; -1 where there is none."""
        return positions(self.annotations["chunk_id"], self.windows["chunk_id"])

    @cached_property
    def start(self) -> Ints:
        return integers(self.spans["start"])

    @cached_property
    def end(self) -> Ints:
        return integers(self.spans["end"])

    @cached_property
    def inside(self) -> Mask:
        """Spans that are not empty and lie in the window their annotator saw."""
        w = self.window_of_span
        known = w >= 0
        if not self.windows.num_rows:
            return np.zeros(len(w), dtype=np.bool_)
        low, high = integers(self.windows["start"])[w], integers(self.windows["end"])[w]
        return known & (self.start < self.end) & (self.start >= low) & (self.end <= high)

    @cached_property
    def order(self) -> tuple[Ints, Ints]:
        """The spans by annotation, start and (the longest first) end, and what is equal where all three are.

        Spans that leave their window or are empty come last, each with a value of its own.
        """
        low = np.where(self.inside, self.start - self._window_start, 0)
        size = np.where(self.inside, self.end - self.start, 0)
        reach, width = int(low.max(initial=0)) + 1, int(size.max(initial=0)) + 1
        place = (self.annotation_of_span * reach + low) * width + width - 1 - size
        place = np.where(self.inside, place, np.iinfo(np.int64).max - np.arange(len(low)))
        by_place: Ints = np.argsort(place)
        return by_place, place[by_place]

    @cached_property
    def _window_start(self) -> Ints:
        shown = integers(self.windows["start"]) if self.windows.num_rows else np.zeros(1, dtype=np.int64)
        first: Ints = shown[self.window_of_span]
        return first

    @cached_property
    def characters(self) -> npt.NDArray[np.uint32]:
        """The code points of all windows, one after the other, between two blanks each."""
        joined = "\n".join(["", *self.windows["text"].to_pylist(), ""])
        return np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32)

    @cached_property
    def base(self) -> Ints:
        """What to add to an article offset of each span to get its place in `characters`."""
        if not self.windows.num_rows:
            return np.zeros(len(self.start), dtype=np.int64)
        low, high = integers(self.windows["start"]), integers(self.windows["end"])
        ahead = np.concatenate([[0], np.cumsum(high - low + 1)[:-1]]) + 1 - low
        shift: Ints = ahead[self.window_of_span]
        return shift

    def stance_path(self, target: str) -> str:
        """JSONPath to the answer about a target in the raw annotation."""
        control = self.controls.get(target)
        return f"$.result[?(@.from_name=='{control}')].value.choices" if control else "$.result"

    def flag_spans(self, wrong: Mask | Ints, message: str) -> Iterator[Finding]:
        """A finding for each span that is wrong; the message may name its `label`, `start`, `end` and `text`."""
        rows = np.flatnonzero(wrong) if wrong.dtype == np.bool_ else wrong
        columns = self.spans.select(["span_id", "label", "start", "end", "text"]).take(pa.array(rows)).to_pylist()
        for row, span in zip(rows.tolist(), columns, strict=True):
            path = f"$.result[?(@.id=='{span['span_id']}')].value"
            yield Finding(int(self.annotation_of_span[row]), path, message.format(**span))


def booleans(column: pa.ChunkedArray | pa.Array) -> Mask:
    """A boolean column; null is false."""
    out: Mask = np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
    return out


def integers(column: pa.ChunkedArray) -> Ints:
    """An integer column without nulls."""
    out: Ints = column.to_numpy().astype(np.int64)
    return out


def code_points(column: pa.ChunkedArray) -> npt.NDArray[np.uint32]:
    """The code points of all strings of a column, one after the other."""
    parts = []
    for chunk in column.chunks:
        _, _, data = chunk.buffers()
        offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        if data is not None and len(chunk):
            utf8 = memoryview(data)[int(offsets[0]) : int(offsets[-1])]
            parts.append(np.frombuffer(str(utf8, "utf-8").encode("utf-32-le"), dtype=np.uint32))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)


def positions(keys: pa.ChunkedArray, among: pa.ChunkedArray) -> Ints:
    """The row of each key in a column of unique keys; -1 where it is missing."""
    found = pc.index_in(keys, value_set=among)
    out: Ints = pc.fill_null(found, -1).to_numpy().astype(np.int64)
    return out


def _owners(rows: pa.Table, annotations: pa.Table) -> Ints:
    owners = positions(rows["annotation_id"], annotations["annotation_id"])
    if len(owners) and owners.min() < 0:
        orphan = rows["annotation_id"][int(owners.argmin())].as_py()
        raise StoreError(f"Labels name annotation {orphan}, which is not there.", "Run `builder pull` again.")
    return owners


def codes(column: pa.ChunkedArray | pa.Array) -> tuple[Ints, list[str]]:
    """Small integers in place of strings, and the strings they stand for; null is a string of its own."""
    combined = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = pc.dictionary_encode(pc.fill_null(combined, "\0"))
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()
