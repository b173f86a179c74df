"""Agreement on the answers to one question in parts: per pair, label, article and month, and of annotators with
themselves."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.agreement.coefficients import cohen, confusion, counts_of, observed, patterns_of, rounded
from builder.quality.votes import SUBMITTED, Integers, Votes
from builder.tables import rows_of

#: Articles that are named: those with the least agreement, of those with as many items or more.
_ARTICLES, _ITEMS = 20, 3


@dataclass
class PartAgreement:
    """Agreement on a part of the items: how many have two ratings or more, and the mean share of pairs that agree."""

    items: int
    observed: float | None


@dataclass
class PairAgreement(PartAgreement):
    """Agreement of two annotators on the items that both answered."""

    cohen: float | None


@dataclass
class AgreementParts:
    """Agreement per pair of annotators ("ada + ben"), article (the lowest first), and month of an item's last answer.

    `labels` is the specific agreement: of those who gave an item the label, the mean share of the others who did.
    `repeated` compares what annotators said when they submitted a chunk again.
    """

    pairs: dict[str, PairAgreement]
    labels: dict[str, float | None]
    articles: dict[str, PartAgreement]
    months: dict[str, PartAgreement]
    repeated: dict[str, PartAgreement]


def agreement_parts(
    votes: Votes, items: Sequence[tuple[str, str]], annotations: pa.Table, answers: pa.Table
) -> AgreementParts:
    """The parts of the agreement in `votes`; `items` are their chunks and targets, `answers` those to the question."""
    counts = counts_of(votes)
    last: dict[str, str] = {}
    article: dict[str, str] = {}
    for chunk, of, state, created in rows_of(annotations, "chunk_id", "article_id", "state", "created"):
        article[chunk] = of
        if state in SUBMITTED and created is not None:
            last[chunk] = max(last.get(chunk, ""), f"{created:%Y-%m}")

    def per(names: Sequence[str | None]) -> dict[str, PartAgreement]:
        column = np.array([name or "" for name in names], dtype=object)
        return {name: _part(counts[column == name]) for name in sorted({name for name in names if name})}

    by_article = {n: part for n, part in per([article[c] for c, _ in items]).items() if part.items >= _ITEMS}
    lowest = sorted(by_article, key=lambda n: (by_article[n].observed or 0.0, n))[:_ARTICLES]
    n = counts.sum(axis=1)
    together = (counts * (counts - 1)).sum(axis=0)
    possible = (counts * (n - 1)[:, None]).sum(axis=0)
    shares = np.divide(together, possible, out=np.full(len(possible), np.nan), where=possible > 0)
    return AgreementParts(
        pairs=_pairs(votes),
        labels={label: rounded(float(share)) for label, share in zip(votes.labels, shares, strict=True)},
        articles={name: by_article[name] for name in lowest},
        months=per([last.get(c) for c, _ in items]),
        repeated=_repeated(annotations, answers),
    )


def _part(counts: Integers) -> PartAgreement:
    return PartAgreement(int((counts.sum(axis=1) > 1).sum()), rounded(observed(*patterns_of(counts))))


def _pairs(votes: Votes) -> dict[str, PairAgreement]:
    found: dict[str, PairAgreement] = {}
    for one, other in combinations(range(len(votes.annotators)), 2):
        cells = confusion(votes, one, other)
        if total := int(cells.sum()):
            name = f"{votes.annotators[one]} + {votes.annotators[other]}"
            found[name] = PairAgreement(total, rounded(float(np.trace(cells)) / total), rounded(cohen(cells)))
    return found


def _repeated(annotations: pa.Table, answers: pa.Table) -> dict[str, PartAgreement]:
    """By annotator, what each said again about a chunk and target, compared with what they had said before."""
    submitted = annotations.filter(pc.is_in(annotations["state"], pa.array(SUBMITTED)))
    submitted = submitted.sort_by([("created", "ascending"), ("annotation_id", "ascending")])
    place = {name: n for n, name in enumerate(submitted["annotation_id"].to_pylist())}
    said: dict[tuple[str, str, str], dict[int, str]] = defaultdict(dict)
    for annotation, *key, label in rows_of(answers, "annotation_id", "annotator", "chunk_id", "target", "label"):
        if annotation in place:
            said[tuple(key)][place[annotation]] = label
    same: dict[str, list[bool]] = defaultdict(list)
    for (annotator, _, _), given in said.items():
        same[annotator] += [given[a] == given[b] for a, b in pairwise(sorted(given))]
    return {
        name: PartAgreement(len(same[name]), rounded(float(np.mean(same[name])))) for name in sorted(same) if same[name]
    }
