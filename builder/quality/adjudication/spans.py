"""Gold spans: what annotators marked, with the vote of everyone who saw the chunk.

Spans that mean the same are one group. The labels given within a group compete, and so does silence: an annotator who
saw the chunk and marked nothing there votes for no span.

A label is kept when it holds more than `min_share` of the belief and more than any other label. It is rejected when
another label or silence wins. Everything else is unresolved: a belief of exactly `min_share`, two labels with equal
belief, and bounds that most annotators marked without agreeing on the label. What everybody marked is agreed, even when
a model trusts none of them.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from builder.quality.adjudication import SPAN_METHODS
from builder.quality.adjudication.groups import SpanGroup, overlapping, same_bounds
from builder.quality.aggregation import METHODS
from builder.quality.aggregation.majority import TIE, shares
from builder.quality.registry import load
from builder.quality.settings import Aggregation
from builder.quality.voters import Voter, Voters
from builder.quality.votes import Votes
from builder.tables import GOLD_SPANS, build

#: The label of an annotator who saw the place and marked nothing.
SILENCE = ""
GoldRow = dict[str, object]


def gold_spans(
    spans: pa.Table,
    voters: Voters,
    windows: pa.Table,
    settings: Aggregation,
    accuracy: Mapping[str, float] | None = None,
) -> pa.Table:
    """GOLD_SPANS in the order of chunk, kind, start, end (descending) and label; one row per group and label.

    `status` is "agreed" (everyone who was asked marked it), "adjudicated", "expert", "unresolved" or "rejected".
    """
    rows: list[GoldRow] = load(SPAN_METHODS[settings.spans])(spans, voters, windows, settings, accuracy or {})
    rows.sort(key=lambda r: (r["chunk_id"], r["kind"], r["start"], -r["end"], r["label"]))  # type: ignore[operator]
    return build(rows, GOLD_SPANS)


def exact(
    spans: pa.Table, voters: Voters, windows: pa.Table, settings: Aggregation, accuracy: Mapping[str, float]
) -> list[GoldRow]:
    """Gold of spans that vote for one another when their bounds are the very same."""
    return decide(same_bounds(spans, voters), voters, settings, accuracy)


def overlap(
    spans: pa.Table, voters: Voters, windows: pa.Table, settings: Aggregation, accuracy: Mapping[str, float]
) -> list[GoldRow]:
    """Gold of spans that vote for one another when they overlap by `min_overlap`."""
    return decide(overlapping(spans, voters, settings.min_overlap), voters, settings, accuracy)


def decide(
    groups: Sequence[SpanGroup], voters: Voters, settings: Aggregation, accuracy: Mapping[str, float]
) -> list[GoldRow]:
    """Rows of GOLD_SPANS: one per group and label. Kinds of span do not compete with one another."""
    out: list[GoldRow] = []
    for kind in sorted({g.kind for g in groups}):
        mine = [g for g in groups if g.kind == kind]
        labels = [SILENCE, *sorted({label for g in mine for label in g.labels})]
        beliefs = load(METHODS[settings.method])(_votes(mine, voters, voters.crowd, labels), settings, accuracy)
        of_experts = shares(_votes(mine, voters, voters.experts, labels))
        for i, group in enumerate(mine):
            belief = (of_experts[i] if voters.experts.get(group.chunk_id) else beliefs[i]).tolist()
            out += [_row(group, label, belief, labels, voters, settings) for label in sorted(group.labels)]
    return out


def _votes(
    groups: Sequence[SpanGroup], voters: Voters, side: Mapping[str, list[Voter]], labels: Sequence[str]
) -> Votes:
    rows: list[tuple[int, str, str]] = []
    for i, group in enumerate(groups):
        marked = group.labels_of()
        for voter in side.get(group.chunk_id, ()):
            if voter.annotation_id in marked:
                rows += [(i, voter.annotator, label) for label in marked[voter.annotation_id]]
            elif any(voters.was_asked(voter.annotator, label) for label in group.labels):
                rows.append((i, voter.annotator, SILENCE))
    return Votes.of(rows, len(groups), labels)


def _row(
    group: SpanGroup,
    label: str,
    belief: list[float],
    labels: Sequence[str],
    voters: Voters,
    settings: Aggregation,
) -> GoldRow:
    marked, competing = group.labels_of(), group.labels
    votes = []
    for voter in voters.of(group.chunk_id):
        given = marked.get(voter.annotation_id, [])
        if given or any(voters.was_asked(voter.annotator, x) for x in competing):
            vote = label if label in given else min(given, default=None)
            votes.append({"annotator": voter.annotator, "annotation_id": voter.annotation_id, "label": vote})
    experts = {v.annotation_id for v in voters.experts.get(group.chunk_id, ())}
    deciding = SpanGroup(group.chunk_id, group.kind, [s for s in group.spans if s.label == label]).of(experts)
    unanimous = not experts and all(marked.get(str(v["annotation_id"])) == [label] for v in votes)
    status = "kept" if unanimous else _verdict(belief, labels.index(label), settings.min_share)
    start, end, text = deciding.bounds(label)
    targets = deciding.targets(label, certain=status == "kept")
    if status == "kept" and not targets and (named := deciding.targets(label, certain=False)):
        # Annotators agree that it is evidence, but not on its targets.
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
        "article_id": voters.article[group.chunk_id],
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
