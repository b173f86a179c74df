"""What the votes on one question, or on the bounds of one kind of span, say besides how far annotators agree over all.

That is: per pair, label, article, month and selection, of annotators with themselves, how well half of the annotators
predict the others, and what a model believes of each.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, pairwise
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.aggregation.believe import MeasuredCalibration, calibrations
from builder.quality.agreement.coefficients import cohen, confusion, observed, patterns_of, rounded
from builder.quality.agreement.models import AnnotatorModel, HardItem, annotator_models
from builder.quality.settings import Quality
from builder.quality.votes import SUBMITTED, Floats, Votes
from builder.tables import rows_of

Part = TypeVar("Part", str, date)
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
    """Agreement per pair of annotators ("ada + ben"), article (the lowest first), and month of an item's last answer;
    and per rule by which its chunk was selected.

    `labels` is the specific agreement: of those who gave an item the label, the mean share of the others who did.
    `repeated` compares what annotators said when they submitted a chunk again. `calibration` says by aggregation method
    how well probabilities made from half of the votes predict the other half; `annotators` what a model believes of
    each; `hard` names the hardest items.
    """

    pairs: dict[str, PairAgreement]
    labels: dict[str, float | None]
    articles: dict[str, PartAgreement]
    months: dict[str, PartAgreement]
    selections: dict[str, PartAgreement]
    repeated: dict[str, PartAgreement]
    calibration: dict[str, MeasuredCalibration]
    annotators: dict[str, AnnotatorModel]
    hard: list[HardItem]


def agreement_parts(
    votes: Votes, items: Sequence[tuple[str, str]], annotations: pa.Table, given: pa.Table, about: Sequence[str],
    windows: pa.Table, settings: Quality,
) -> AgreementParts:  # fmt: skip
    """The parts of the agreement in `votes`, whose `items` are chunks (of WINDOWS) and targets, or chunks and bounds.

    `given` are the rows of ANSWERS or SPANS that the votes were made from; its columns `about` tell the items of a
    chunk apart. With a label "", who gave an item no other label was silent about it.
    """
    counts = votes.counts()
    last: dict[str, str] = {}
    article: dict[str, str] = {}
    for chunk, of, state, created in rows_of(annotations, "chunk_id", "article_id", "state", "created"):
        article[chunk] = of
        if state in SUBMITTED and created is not None:
            last[chunk] = max(last.get(chunk, ""), f"{created:%Y-%m}")

    chunks = [chunk for chunk, _ in items]
    by_article = {n: part for n, part in agreement_per(counts, chunks, article).items() if part.items >= _ITEMS}
    lowest = sorted(by_article, key=lambda n: (by_article[n].observed or 0.0, n))[:_ARTICLES]
    others = counts.sum(axis=1, keepdims=True) - 1
    together, possible = (counts * (counts - 1)).sum(axis=0), (counts * others).sum(axis=0)
    shares = np.divide(together, possible, out=np.full(len(possible), np.nan), where=possible > 0)
    return AgreementParts(
        _pairs(votes),
        {label: rounded(share) for label, share in zip(votes.labels, shares.tolist(), strict=True)},
        {name: by_article[name] for name in lowest},
        agreement_per(counts, chunks, last),
        agreement_per(counts, chunks, dict(rows_of(windows, "chunk_id", "selection"))),
        _repeated(annotations, given, about, "" in votes.labels),
        calibrations(votes),
        *annotator_models(votes, items, settings),
    )


def agreement_per(
    counts: Floats, chunks: Sequence[str], part_of: Mapping[str, Part | None]
) -> dict[Part, PartAgreement]:
    """The agreement per part of the chunks, in order, where they have one; `chunks` has that of each item."""
    names = np.array([part_of.get(chunk) or "" for chunk in chunks], dtype=object)
    found: dict[Part, PartAgreement] = {}
    for name in sorted(set(names.tolist()) - {""}):
        mine = counts[names == name]
        found[name] = PartAgreement(int((mine.sum(axis=1) > 1).sum()), rounded(observed(*patterns_of(mine))))
    return found


def _pairs(votes: Votes) -> dict[str, PairAgreement]:
    found: dict[str, PairAgreement] = {}
    for one, other in combinations(range(len(votes.annotators)), 2):
        cells = confusion(votes, one, other)
        if total := int(cells.sum()):
            name = f"{votes.annotators[one]} + {votes.annotators[other]}"
            found[name] = PairAgreement(total, rounded(float(np.trace(cells)) / total), rounded(cohen(cells)))
    return found


def _repeated(annotations: pa.Table, given: pa.Table, about: Sequence[str], silence: bool) -> dict[str, PartAgreement]:
    """By annotator, what each said again about a chunk, compared with what they had said before."""
    said: dict[str, dict[tuple[object, ...], str]] = defaultdict(dict)
    for annotation, label, *item in rows_of(given, "annotation_id", "label", *about):
        said[annotation][tuple(item)] = label
    submitted = annotations.filter(pc.is_in(annotations["state"], pa.array(SUBMITTED)))
    submitted = submitted.sort_by(
        [("annotator", "ascending"), ("created", "ascending"), ("annotation_id", "ascending")]
    )
    made: dict[tuple[str, str], list[str]] = defaultdict(list)
    for annotator, chunk, annotation in rows_of(submitted, "annotator", "chunk_id", "annotation_id"):
        made[annotator, chunk].append(annotation)
    same: dict[str, list[bool]] = defaultdict(list)
    for (annotator, _), ids in made.items():
        for before, now in ((said[one], said[other]) for one, other in pairwise(ids)):
            items = before.keys() | now.keys() if silence else before.keys() & now.keys()
            same[annotator] += [before.get(item) == now.get(item) for item in items]
    return {name: PartAgreement(len(known), rounded(float(np.mean(known)))) for name, known in same.items() if known}
