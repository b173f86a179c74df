"""Gold spans: what several annotators marked, and who of those who saw the chunk marked it.

Spans that mean the same are one group (`candidates`); the labels given within a group compete, and so does silence: an
annotator who saw the chunk and marked nothing there votes "no span".

A label is kept when it holds more than `min_share` of the belief and no other label does as well. It is rejected when
another label or silence wins. Everything else is unresolved: exactly as much as `min_share`, two labels alike, and
bounds that most annotators marked without agreeing on the label. What everybody marked is agreed, whatever a model
makes of those annotators.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from builder.quality.aggregation import TIE, shares
from builder.quality.candidates import GROUPINGS, Group
from builder.quality.gold_tokens import token_spans
from builder.quality.methods import METHODS, weights_of
from builder.quality.panel import Panel, Voter
from builder.quality.settings import Aggregation
from builder.quality.votes import Votes
from builder.tables import GOLD_SPANS, build

#: The label of an annotator who saw the place and marked nothing.
SILENCE = ""


def gold_spans(
    spans: pa.Table,
    panel: Panel,
    windows: pa.Table,
    settings: Aggregation,
    accuracy: Mapping[str, float] | None = None,
) -> pa.Table:
    """GOLD_SPANS in the order of chunk, kind, start, end (descending) and label; one row a group and label.

    `status` is "agreed" (everyone who was asked marked it), "adjudicated", "expert", "unresolved" or "rejected".
    """
    out: list[dict[str, object]] = []
    if settings.spans == "tokens":
        # An expert's spans are taken as they are; only what people marked is put together from tokens.
        out += token_spans(spans, panel, windows, settings, accuracy or {})
        groups = [g for g in GROUPINGS["exact"](spans, panel, settings) if panel.experts.get(g.chunk_id)]
    else:
        groups = GROUPINGS[settings.spans](spans, panel, settings)
    for kind in sorted({g.kind for g in groups}):
        out += _decide([g for g in groups if g.kind == kind], panel, settings, accuracy or {})
    out.sort(key=lambda r: (r["chunk_id"], r["kind"], r["start"], -r["end"], r["label"]))  # type: ignore[operator]
    return build(out, GOLD_SPANS)


def _decide(
    groups: Sequence[Group], panel: Panel, settings: Aggregation, accuracy: Mapping[str, float]
) -> list[dict[str, object]]:
    labels = [SILENCE, *sorted({m.label for g in groups for m in g.marks})]
    people = _votes(groups, panel, panel.people, labels)
    beliefs = METHODS[settings.method](people, settings, weights_of(people, settings, accuracy))
    spoken = shares(_votes(groups, panel, panel.experts, labels))
    out: list[dict[str, object]] = []
    for i, group in enumerate(groups):
        belief = (spoken[i] if panel.experts.get(group.chunk_id) else beliefs[i]).tolist()
        out += [_row(group, label, belief, labels, panel, settings) for label in sorted(group.labels)]
    return out


def _votes(groups: Sequence[Group], panel: Panel, side: Mapping[str, list[Voter]], labels: Sequence[str]) -> Votes:
    rows: list[tuple[int, str, str]] = []
    for i, group in enumerate(groups):
        marked = group.labels_of()
        for voter in side.get(group.chunk_id, ()):
            if voter.annotation_id in marked:
                rows += [(i, voter.annotator, label) for label in marked[voter.annotation_id]]
            elif any(panel.was_asked(voter.annotator, label) for label in group.labels):
                rows.append((i, voter.annotator, SILENCE))
    return Votes.of(rows, len(groups), labels)


def _row(
    group: Group,
    label: str,
    belief: list[float],
    labels: Sequence[str],
    panel: Panel,
    settings: Aggregation,
) -> dict[str, object]:
    marked, competing = group.labels_of(), group.labels
    votes = []
    for voter in panel.voters(group.chunk_id):
        given = marked.get(voter.annotation_id, [])
        if given or any(panel.was_asked(voter.annotator, x) for x in competing):
            vote = label if label in given else min(given, default=None)
            votes.append({"annotator": voter.annotator, "annotation_id": voter.annotation_id, "label": vote})
    experts = {v.annotation_id for v in panel.experts.get(group.chunk_id, ())}
    deciding = Group(group.chunk_id, group.kind, [m for m in group.marks if m.label == label]).of(experts)
    unanimous = not experts and all(marked.get(str(v["annotation_id"])) == [label] for v in votes)
    status = "kept" if unanimous else _verdict(belief, labels.index(label), settings.min_share)
    start, end, text = deciding.bounds(label)
    targets = deciding.targets(label, certain=status == "kept")
    if status == "kept" and not targets and (named := deciding.targets(label, certain=False)):
        # Annotators agree that it is evidence, and not for what.
        targets, status = named, "unresolved"
    if status == "kept":
        if experts:
            status = "expert"
        elif unanimous:
            status = "agreed"
        else:
            status = "unresolved" if settings.method == "expert" else "adjudicated"
    method = settings.method if settings.spans == "exact" else f"{settings.method}:{settings.spans}"
    return {
        "chunk_id": group.chunk_id,
        "article_id": panel.article[group.chunk_id],
        "kind": group.kind,
        "start": start,
        "end": end,
        "label": label,
        "text": text,
        "targets": targets,
        "probability": belief[labels.index(label)],
        "method": "expert" if experts else method,
        "votes": votes,
        "status": status,
    }


def _verdict(belief: list[float], mine: int, min_share: float) -> str:
    """Whether the label at `mine` is "kept", "rejected" or "unresolved"; silence is the first label."""
    p, rival = belief[mine], max(x for i, x in enumerate(belief) if i != mine)
    if p > min_share + TIE and rival < p - TIE:
        return "kept"
    undecided = max(belief) <= min_share + TIE and sum(belief[1:]) > min_share + TIE
    return "rejected" if p < 1 - min_share - TIE and not undecided else "unresolved"
