"""Gold answers: one label per chunk, question and target, with the votes for it.

A label wins when it holds more than `min_share` of the belief: of the annotators who answered (majority), of their
weight, or of the posterior of a model. More than half is needed rather than the largest share, because with five
annotators two could otherwise outvote three who agree that it is something else. A tie, and anything else without a
winner, is unresolved and has no label. What everybody answered is agreed, even when a model trusts none of them.
"""

from collections import defaultdict
from collections.abc import Mapping

import pyarrow as pa

from builder.quality.aggregation import METHODS
from builder.quality.aggregation.majority import shares, winners
from builder.quality.registry import load
from builder.quality.settings import Aggregation
from builder.quality.voters import Voter, Voters
from builder.quality.votes import Votes
from builder.tables import GOLD_ANSWERS, build


def gold_answers(
    answers: pa.Table, voters: Voters, settings: Aggregation, accuracy: Mapping[str, float] | None = None
) -> pa.Table:
    """GOLD_ANSWERS in the order of chunk, question and target.

    `status` is "expert" when an expert decided, "agreed" when everyone gave the winning label, "adjudicated" when the
    method decided, and "unresolved" otherwise. `accuracy` is what each annotator reached on the gold questions.
    """
    chunk_of = {v.annotation_id: chunk for chunk in voters.chunks for v in voters.of(chunk)}
    given: dict[str, dict[tuple[str, str], dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    columns = ("annotation_id", "question", "target", "label")
    for annotation, question, target, label in zip(*(answers[c].to_pylist() for c in columns), strict=True):
        if annotation in chunk_of:
            given[question][chunk_of[annotation], target][annotation] = label
    rows = [row for name in given for row in _gold_of(name, given[name], voters, settings, accuracy or {})]
    rows.sort(key=lambda r: (str(r["chunk_id"]), str(r["question"]), str(r["target"])))
    return build(rows, GOLD_ANSWERS)


def _gold_of(
    question: str,
    given: Mapping[tuple[str, str], Mapping[str, str]],
    voters: Voters,
    settings: Aggregation,
    accuracy: Mapping[str, float],
) -> list[dict[str, object]]:
    """Rows of GOLD_ANSWERS of one question; `given` holds the label of each annotation by chunk and target."""
    items = sorted(given)
    labels = sorted({label for said in given.values() for label in said.values()})

    def votes(side: Mapping[str, list[Voter]]) -> Votes:
        rows = [
            (i, v.annotator, given[item][v.annotation_id])
            for i, item in enumerate(items)
            for v in side.get(item[0], ())
            if v.annotation_id in given[item]
        ]
        return Votes.of(rows, len(items), labels)

    beliefs = load(METHODS[settings.method])(votes(voters.crowd), settings, accuracy)
    of_experts = shares(votes(voters.experts))
    by_method, by_experts = winners(beliefs, settings.min_share), winners(of_experts, settings.min_share)
    out: list[dict[str, object]] = []
    for i, (chunk, target) in enumerate(items):
        said = given[chunk, target]
        voted = [v for v in voters.of(chunk) if v.annotation_id in said]
        expert = bool(of_experts[i].any())
        belief, best = (of_experts[i], int(by_experts[i])) if expert else (beliefs[i], int(by_method[i]))
        unanimous = len(set(said.values())) == 1
        if unanimous:
            best = labels.index(next(iter(said.values())))
        if best < 0:
            status = "unresolved"
        elif expert:
            status = "expert"
        elif unanimous:
            status = "agreed"
        else:
            status = "unresolved" if settings.method == "expert" else "adjudicated"
        out.append(
            {
                "chunk_id": chunk,
                "article_id": voters.article[chunk],
                "question": question,
                "target": target,
                "label": None if status == "unresolved" else labels[best],
                "probability": float(belief[best]) if best >= 0 else float(belief.max()),
                "posterior": [{"label": x, "probability": float(p)} for x, p in zip(labels, belief, strict=True)],
                "method": "expert" if expert else settings.method,
                "votes": [
                    {"annotator": v.annotator, "annotation_id": v.annotation_id, "label": said[v.annotation_id]}
                    for v in voted
                ],
                "status": status,
            }
        )
    return out
