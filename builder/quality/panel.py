"""Who saw which chunk, who of them is an expert, and which entity labels each was asked for."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

import pyarrow as pa

from builder.quality.votes import voting


class Voter(NamedTuple):
    """One annotation that votes."""

    annotation_id: str
    annotator: str


class Panel:
    """The voters of every chunk. Experts are the annotators named as such, and whoever reviewed the chunk.

    A review is made from annotations of another project. Where an expert has spoken nobody else decides; the others'
    votes are kept beside.
    """

    def __init__(
        self,
        annotations: pa.Table,
        experts: Collection[str] = (),
        asked: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.people: dict[str, list[Voter]] = defaultdict(list)
        self.experts: dict[str, list[Voter]] = defaultdict(list)
        self.article: dict[str, str] = {}
        self._asked = {name: frozenset(labels) for name, labels in (asked or {}).items()}
        t = voting(annotations).select(["annotation_id", "chunk_id", "article_id", "annotator", "review"])
        for annotation_id, chunk, article, annotator, review in zip(*(c.to_pylist() for c in t.columns), strict=True):
            side = self.experts if review or annotator in experts else self.people
            side[chunk].append(Voter(annotation_id, annotator))
            self.article[chunk] = article
        self.chunks = sorted(self.article)

    def voters(self, chunk: str) -> list[Voter]:
        """Everyone whose annotation of the chunk counts, experts last."""
        return [*self.people.get(chunk, ()), *self.experts.get(chunk, ())]

    def was_asked(self, annotator: str, label: str) -> bool:
        """Whether the annotator's silence about an entity label means that there is none."""
        asked = self._asked.get(annotator)
        return asked is None or label in asked
