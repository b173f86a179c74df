"""Which annotations vote on which chunk, and which of them are an expert's."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

#: States of an annotation that somebody submitted. An empty one says that there is nothing in the chunk.
SUBMITTED = ("labelled", "labelled-empty")


def reviews(annotations: pa.Table) -> list[bool]:
    """Whether each annotation was made from annotations of another project, as a review is."""
    columns = (annotations[c].to_pylist() for c in ("parent_id", "project_id"))
    return [bool(parent) and parent.partition(":")[0] != str(project) for parent, project in zip(*columns, strict=True)]


def voting(annotations: pa.Table) -> pa.Table:
    """The annotations that vote: submitted, not in quarantine, and the latest of an annotator on a chunk.

    Skips and drafts say nothing about the chunk. Rows are in the order of chunk and annotator. The added column
    `review` says whether the annotation is a review. A person's review of a chunk does not replace that person's own
    annotation of it.
    """
    t = annotations.append_column("review", pa.array(reviews(annotations), pa.bool_()))
    submitted = pc.is_in(t["state"], pa.array(SUBMITTED))
    t = t.filter(pc.and_(submitted, pc.invert(pc.fill_null(t["quarantined"], False))))
    keys = ("chunk_id", "annotator", "review")
    up, down = [(k, "ascending") for k in keys], [("updated", "descending"), ("annotation_id", "descending")]
    t = t.sort_by([*up, *down])
    earlier: list[bool] = []
    before = None
    for key in zip(*(t[k].to_pylist() for k in keys), strict=True):
        earlier.append(key == before)
        before = key
    return t.filter(pc.invert(pa.array(earlier, pa.bool_())))


def voting_unreviewed(annotations: pa.Table) -> pa.Table:
    """The annotations that vote, without reviews: a reviewer saw the others' labels, so agreement leaves them out."""
    voters = voting(annotations)
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

    def __init__(
        self,
        annotations: pa.Table,
        experts: Collection[str] = (),
        asked: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.crowd: dict[str, list[Voter]] = defaultdict(list)
        self.experts: dict[str, list[Voter]] = defaultdict(list)
        self.article: dict[str, str] = {}
        self._asked = {name: frozenset(labels) for name, labels in (asked or {}).items()}
        t = voting(annotations).select(["annotation_id", "chunk_id", "article_id", "annotator", "review"])
        for annotation_id, chunk, article, annotator, review in zip(*(c.to_pylist() for c in t.columns), strict=True):
            side = self.experts if review or annotator in experts else self.crowd
            side[chunk].append(Voter(annotation_id, annotator))
            self.article[chunk] = article
        self.chunks = sorted(self.article)

    def of(self, chunk: str) -> list[Voter]:
        """Everyone whose annotation of the chunk counts, experts last."""
        return [*self.crowd.get(chunk, ()), *self.experts.get(chunk, ())]

    def was_asked(self, annotator: str, label: str) -> bool:
        """Whether the annotator's silence about an entity label means that there is none."""
        asked = self._asked.get(annotator)
        return asked is None or label in asked
