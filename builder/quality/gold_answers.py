"""One gold stance a chunk and target, with the votes behind it.

A label wins when it holds more than `min_share` of the belief: of the annotators who answered for that target
(majority), of their weight, or of the posterior of the model. More than half rather than the largest share, because
with five annotators two could otherwise outvote three who agree that it is something else; what falls short is exactly
what an expert should look at. A tie, and anything else without a winner, is unresolved and has no label. What everybody
answered is agreed, whatever a model makes of those annotators.
"""

from collections import defaultdict
from collections.abc import Mapping

import pyarrow as pa

from builder.quality.aggregation import shares, winners
from builder.quality.methods import METHODS, weights_of
from builder.quality.panel import Panel, Voter
from builder.quality.settings import Aggregation
from builder.quality.votes import Votes
from builder.tables import GOLD_ANSWERS, build


def gold_answers(
    stances: pa.Table, panel: Panel, settings: Aggregation, accuracy: Mapping[str, float] | None = None
) -> pa.Table:
    """GOLD_ANSWERS in the order of chunk and target.

    `status` is "expert" when an expert decided, "agreed" when everyone gave the winning label, "adjudicated" when the
    method decided, "unresolved" otherwise. `accuracy` is what each annotator reached on the gold questions.
    """
    chunk_of = {v.annotation_id: chunk for chunk in panel.chunks for v in panel.voters(chunk)}
    answers: dict[str, dict[str, str]] = defaultdict(dict)
    targets: dict[str, set[str]] = defaultdict(set)
    for annotation_id, target, label in _rows(stances, "annotation_id", "target", "label"):
        if annotation_id in chunk_of:
            answers[annotation_id][target] = label
            targets[chunk_of[annotation_id]].add(target)
    items = [(chunk, target) for chunk in panel.chunks for target in sorted(targets[chunk])]
    labels = sorted({label for given in answers.values() for label in given.values()})

    def votes(side: Mapping[str, list[Voter]]) -> Votes:
        rows = [
            (i, annotator, answers[annotation_id][target])
            for i, (chunk, target) in enumerate(items)
            for annotation_id, annotator in side.get(chunk, ())
            if target in answers[annotation_id]
        ]
        return Votes.of(rows, len(items), labels)

    people, experts = votes(panel.people), votes(panel.experts)
    beliefs = METHODS[settings.method](people, settings, weights_of(people, settings, accuracy or {}))
    spoken = shares(experts)
    decided, chosen = winners(beliefs, settings.min_share), winners(spoken, settings.min_share)

    out: list[dict[str, object]] = []
    for i, (chunk, target) in enumerate(items):
        voters = [v for v in panel.voters(chunk) if target in answers[v.annotation_id]]
        given = {answers[v.annotation_id][target] for v in voters}
        by_expert = bool(spoken[i].any())
        belief, best = (spoken[i], int(chosen[i])) if by_expert else (beliefs[i], int(decided[i]))
        if len(given) == 1:
            best = labels.index(next(iter(given)))
        winner = labels[best] if best >= 0 else None
        if winner is None:
            status = "unresolved"
        elif by_expert:
            status = "expert"
        elif given == {winner}:
            status = "agreed"
        else:
            status = "unresolved" if settings.method == "expert" else "adjudicated"
        out.append(
            {
                "chunk_id": chunk,
                "article_id": panel.article[chunk],
                "question": "stance",
                "target": target,
                "label": None if status == "unresolved" else winner,
                "probability": float(belief[best]) if best >= 0 else float(belief.max()),
                "posterior": [{"label": x, "probability": float(p)} for x, p in zip(labels, belief, strict=True)],
                "method": "expert" if by_expert else settings.method,
                "votes": [
                    {
                        "annotator": v.annotator,
                        "annotation_id": v.annotation_id,
                        "label": answers[v.annotation_id][target],
                    }
                    for v in voters
                ],
                "status": status,
            }
        )
    return build(out, GOLD_ANSWERS)


def _rows(table: pa.Table, *columns: str) -> "zip[tuple[str, ...]]":
    return zip(*(table[name].to_pylist() for name in columns), strict=True)
