"""What became of a suggestion, told by comparing results: the server's own marks of origin are wrong after edits."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from builder.labels.raw import Annotation, Choices, Item, Prediction, Region

Fact = tuple[object, ...]


def outcome(annotation: Annotation, predictions: Sequence[Prediction]) -> str:
    """`none` when nothing was suggested; otherwise `accepted`, `edited` or `rejected`.

    Only the controls that the suggestion fills are compared. Accepted: they say exactly what was suggested.
    Rejected: nothing that was suggested is left. Edited: anything between.
    """
    suggestion = _suggestion(annotation, predictions)
    if suggestion is None:
        return "none"
    suggested = facts(suggestion.result)
    if not suggested:
        return "none"
    controls = {fact[0] for fact in suggested}
    kept = {fact for fact in facts(annotation.result) if fact[0] in controls}
    if kept == suggested:
        return "accepted"
    return "edited" if kept & suggested else "rejected"


def facts(items: Iterable[Item]) -> set[Fact]:
    """What results say, without ids, origins and order: (control, interval, label) and (control, answer)."""
    places = {i.id: (i.value.start, i.value.end) for i in items if isinstance(i, Region)}
    said: set[Fact] = set()
    for i in items:
        if isinstance(i, Region):
            said.update((i.from_name, i.value.start, i.value.end, label) for label in i.value.labels)
        elif isinstance(i, Choices):
            said.update((i.from_name, *places.get(i.id, ()), answer) for answer in i.value.choices)
    return said


def _suggestion(annotation: Annotation, predictions: Sequence[Prediction]) -> Prediction | None:
    """The prediction it was made from, or else the newest one there was when it was made."""
    for prediction in predictions:
        if prediction.id == annotation.parent_prediction:
            return prediction
    made = annotation.created_at
    earlier = [p for p in predictions if made is None or p.created_at is None or p.created_at <= made]
    return max(earlier, key=lambda p: (_stamp(p.created_at), p.id), default=None)


def _stamp(time: datetime | None) -> float:
    return time.timestamp() if time else 0.0
