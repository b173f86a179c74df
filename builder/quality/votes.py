"""Who votes on which chunk, and votes as one long table of integers: item, annotator, label."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.tables import rows_of

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]

#: States of an annotation that somebody submitted. An empty one says that there is nothing in the chunk.
SUBMITTED = ("labelled", "labelled-empty")


@dataclass(frozen=True)
class Votes:
    """`item[i]` got `label[i]` from `annotator[i]`; the integers are positions in the lists of names.

    An annotator who gave an item no label has no row for it: that is missing data, not a vote. Where the items are the
    tokens of texts, one text after the other, `first` has the number of the first token of each.
    """

    items: int
    annotators: Sequence[str]
    labels: Sequence[str]
    item: Integers
    annotator: Integers
    label: Integers
    first: Integers | None = None

    @classmethod
    def of(
        cls, rows: Iterable[tuple[int, str, str]], items: int, labels: Sequence[str], first: Integers | None = None
    ) -> "Votes":
        """Votes from rows of item number, annotator and label; annotators are numbered in alphabetical order."""
        table = list(rows)
        names = sorted({annotator for _, annotator, _ in table})
        number, code = {n: i for i, n in enumerate(names)}, {x: i for i, x in enumerate(labels)}
        columns = [(item, number[annotator], code[label]) for item, annotator, label in table]
        a = np.array(columns, dtype=np.int64).reshape(-1, 3)
        return cls(items, names, labels, a[:, 0].copy(), a[:, 1].copy(), a[:, 2].copy(), first)

    def where(self, mask: Mask) -> "Votes":
        """The votes where the mask is true; items and annotators keep their numbers."""
        return replace(self, item=self.item[mask], annotator=self.annotator[mask], label=self.label[mask])

    def only(self, kept: Mask) -> "Votes":
        """The votes on the items where `kept` is true, and the annotators who cast them; both are numbered anew."""
        votes = self.where(kept[self.item])
        present = np.unique(votes.annotator)
        return replace(
            votes,
            items=int(kept.sum()),
            annotators=[self.annotators[i] for i in present],
            item=(np.cumsum(kept) - 1)[votes.item],
            annotator=np.searchsorted(present, votes.annotator),
            first=None,
        )

    def per_item(self, weights: npt.NDArray[Any] | None = None) -> Floats:
        """The votes on each item, or the sum of the weight of each vote there."""
        return np.bincount(self.item, weights=weights, minlength=self.items).astype(np.float64)

    def per_annotator(self, weights: npt.NDArray[Any] | None = None) -> Floats:
        """The votes of each annotator, or the sum of the weight of each vote."""
        return np.bincount(self.annotator, weights=weights, minlength=len(self.annotators)).astype(np.float64)

    def counts(self, weights: Floats | None = None) -> Floats:
        """The votes for each label of each item, or the sum of the weight of each vote, as items by labels."""
        width = len(self.labels)
        counted = np.bincount(self.item * width + self.label, weights=weights, minlength=self.items * width)
        return counted.reshape(self.items, width).astype(np.float64)

    def voters(self) -> tuple[Integers, Integers]:
        """Item and annotator of every vote; an annotator who gave an item two labels is there once."""
        crowd = max(len(self.annotators), 1)
        item, who = np.divmod(np.unique(self.item * crowd + self.annotator), crowd)
        return item, who


def reviews(annotations: pa.Table) -> list[bool]:
    """Whether each annotation was made from annotations of another project, as a review is."""
    made_from = rows_of(annotations, "parent_id", "project_id")
    return [bool(parent) and parent.partition(":")[0] != str(project) for parent, project in made_from]


def voting(annotations: pa.Table, *, quarantined: bool = False) -> pa.Table:
    """The annotations that vote: submitted, not in quarantine, and the latest of an annotator on a chunk.

    Skips and drafts say nothing about the chunk. With `quarantined`, those in quarantine are there as well. Rows are in
    the order of chunk and annotator. The added column `review` says whether the annotation is a review. A person's
    review of a chunk does not replace that person's own annotation of it.
    """
    t = annotations.append_column("review", pa.array(reviews(annotations), pa.bool_()))
    t = t.filter(pc.is_in(t["state"], pa.array(SUBMITTED)))
    if not quarantined:
        t = t.filter(pc.invert(pc.fill_null(t["quarantined"], False)))
    keys = ("chunk_id", "annotator", "review")
    order = [*((key, "ascending") for key in keys), ("updated", "descending"), ("annotation_id", "descending")]
    t = t.sort_by(order)
    found = list(rows_of(t, *keys))
    return t.filter(pa.array([n == 0 or key != found[n - 1] for n, key in enumerate(found)], pa.bool_()))


def voting_unreviewed(annotations: pa.Table, *, quarantined: bool = False) -> pa.Table:
    """The annotations that vote, without reviews: a reviewer saw the others' labels, so agreement leaves them out."""
    voters = voting(annotations, quarantined=quarantined)
    return voters.filter(pc.invert(voters["review"]))


def reviewed_chunks(annotations: pa.Table) -> set[str]:
    """The chunks that an expert decided in a review."""
    voters = voting(annotations)
    return set(voters["chunk_id"].filter(voters["review"]).to_pylist())


class Voter(NamedTuple):
    """One annotation that votes."""

    annotation_id: str
    annotator: str


class Voters:
    """The voters of every chunk. Experts are the annotators named as such, and whoever reviewed the chunk.

    Where an expert has answered, nobody else decides; the votes of the others are kept. `asked` maps an annotator to
    the entity labels that the annotator was asked for; an annotator it does not name was asked for all.
    """

    def __init__(self, annotations: pa.Table, experts: Collection[str], asked: Mapping[str, Collection[str]]) -> None:
        self.crowd: dict[str, list[Voter]] = defaultdict(list)
        self.experts: dict[str, list[Voter]] = defaultdict(list)
        self.article: dict[str, str] = {}
        self._asked = {name: frozenset(labels) for name, labels in asked.items()}
        columns = ("annotation_id", "chunk_id", "article_id", "annotator", "review")
        for annotation_id, chunk, article, annotator, review in rows_of(voting(annotations), *columns):
            side = self.experts if review or annotator in experts else self.crowd
            side[chunk].append(Voter(annotation_id, annotator))
            self.article[chunk] = article
        self.chunks = sorted(self.article)

    def of(self, chunk: str) -> list[Voter]:
        """Everyone whose annotation of the chunk counts, experts last."""
        return [*self.crowd.get(chunk, ()), *self.experts.get(chunk, ())]

    def was_asked(self, annotator: str, *labels: str) -> bool:
        """Whether the annotator's silence about one of these entity labels means that there is none."""
        asked = self._asked.get(annotator)
        return asked is None or not asked.isdisjoint(labels)


def overlapping_pairs(group: Integers, start: Integers, end: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Positions of the intervals that overlap another of their group, in rounds; sorted by group and start.

    An interval can only meet its neighbours up to the first that starts after its end, so comparing at distance 1, 2,
    ... ends after as many rounds as intervals overlap one another.
    """
    left: Integers = np.arange(len(group))
    for distance in range(1, len(group)):
        left = left[left + distance < len(group)]
        right = left + distance
        meets = (group[left] == group[right]) & (start[right] < end[left])
        left, right = left[meets], right[meets]
        if not len(left):
            return
        yield left, right
