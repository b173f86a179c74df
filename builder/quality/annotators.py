"""One report an annotator: how much, how fast, how often like the others, and where not."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pyarrow as pa

from builder.quality.settings import Quality
from builder.quality.span_agreement import all_matches
from builder.quality.stance_agreement import stance_votes
from builder.quality.votes import Votes


def annotator_reports(
    annotations: pa.Table, spans: pa.Table, stances: pa.Table, chunks: int, labels: list[str], settings: Quality
) -> dict[str, dict[str, Any]]:
    """Pseudonym to report.

    `labelled`, `empty`, `skipped`, `drafts` and `quarantined` count annotations; `coverage` is the share of all chunks
    submitted, `seconds` the median and the quartiles of the lead time, `predictions` what became of suggestions.
    `stance_agreement` is the share of pairs with another annotator on the same chunk and target that agree, and
    `confusion` counts those pairs: own label, then the other's. `span_f1` is exact, against all others.
    """
    out: dict[str, dict[str, Any]] = {}
    names = annotations["annotator"].to_pylist()
    states, kept = annotations["state"].to_pylist(), annotations["quarantined"].to_pylist()
    times, shown = annotations["lead_time"].to_pylist(), annotations["chunk_id"].to_pylist()
    predictions = annotations["prediction"].to_pylist()
    rows: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        rows[name].append(row)
    votes, _ = stance_votes(annotations, stances, labels)
    pairs, confusions = _stance_pairs(votes)
    f1 = _span_f1(annotations, spans, settings)
    for name in sorted(rows):
        mine = rows[name]
        count = Counter(states[row] for row in mine)
        done = [row for row in mine if states[row].startswith("labelled")]
        seconds = [times[row] for row in done if times[row] is not None]
        agreeing, all_pairs = pairs.get(name, (0, 0))
        out[name] = {
            "labelled": count["labelled"],
            "empty": count["labelled-empty"],
            "skipped": count["skipped"],
            "drafts": count["draft"],
            "quarantined": sum(bool(kept[row]) for row in done),
            "coverage": round(len({shown[row] for row in done}) / chunks, 6) if chunks else None,
            "seconds": [round(float(q), 3) for q in np.quantile(seconds, [0.25, 0.5, 0.75])] if seconds else None,
            "predictions": dict(sorted(Counter(predictions[row] for row in done).items())),
            "stance_pairs": all_pairs,
            "stance_agreement": round(agreeing / all_pairs, 6) if all_pairs else None,
            "confusion": confusions.get(name, {}),
            "span_f1": f1.get(name),
        }
    return out


def _stance_pairs(votes: Votes) -> tuple[dict[str, tuple[int, int]], dict[str, dict[str, dict[str, int]]]]:
    """By annotator: pairs that agree and all pairs; and own label to the others' label to the number of pairs."""
    width, crowd = len(votes.labels), len(votes.annotators)
    if not crowd:
        return {}, {}
    cells = np.bincount(votes.item * width + votes.label, minlength=votes.items * width).reshape(-1, width)
    table = np.zeros((crowd, width, width), dtype=np.int64)
    others = cells[votes.item].copy()
    others[np.arange(len(votes.item)), votes.label] -= 1
    np.add.at(table, (votes.annotator, votes.label), others)
    pairs = {name: (int(np.trace(table[i])), int(table[i].sum())) for i, name in enumerate(votes.annotators)}
    confusions = {
        name: {
            own: {other: int(table[i, r, c]) for c, other in enumerate(votes.labels) if table[i, r, c]}
            for r, own in enumerate(votes.labels)
            if table[i, r].any()
        }
        for i, name in enumerate(votes.annotators)
    }
    return pairs, confusions


def _span_f1(annotations: pa.Table, spans: pa.Table, settings: Quality) -> dict[str, float]:
    found, together = all_matches(annotations, spans, "entity", settings.asked)
    if together is None:
        return {}
    hits = together.pairs_exact + together.pairs_exact.T
    compared = together.pairs_compared + together.pairs_compared.T
    return {
        name: round(float(hits[i].sum() / compared[i].sum()), 6)
        for i, name in enumerate(found.annotators)
        if compared[i].sum()
    }
