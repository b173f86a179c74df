"""What became of a suggestion, found by comparing results: the server's own marks of origin are wrong after edits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from builder.questions.raw import Annotation, Choices, Item, Prediction, Region

Fact = tuple[object, ...]


def outcome(annotation: Annotation, predictions: Sequence[Prediction], kinds: Mapping[str, str]) -> str:
    """`none` when nothing was suggested; otherwise `accepted`, `edited` or `rejected`.

    Only what the suggestion is about is compared: a kind of span, or one control. Accepted: the annotation says exactly
    what was suggested. Rejected: nothing that was suggested is left. Edited: anything between. A skip judges nothing.
    `kinds` is the kind of span by label.
    """
    if annotation.was_cancelled:
        return "none"
    suggestion = suggestion_for(annotation, predictions)
    suggested = facts(suggestion.result, kinds) if suggestion else set()
    if not suggested:
        return "none"
    about = {fact[0] for fact in suggested}
    kept = {fact for fact in facts(annotation.result, kinds) if fact[0] in about}
    if kept == suggested:
        return "accepted"
    return "edited" if kept & suggested else "rejected"


def facts(items: Iterable[Item], kinds: Mapping[str, str]) -> set[Fact]:
    """What results say, without ids, origins and order: (kind of span, interval, label), (control, answer)."""
    places = {i.id: (i.value.start, i.value.end) for i in items if isinstance(i, Region)}
    said: set[Fact] = set()
    for i in items:
        if isinstance(i, Region):
            place = (i.value.start, i.value.end)
            said.update((kinds.get(label, i.from_name), *place, label) for label in i.value.labels)
        elif isinstance(i, Choices):
            said.update((i.from_name, *places.get(i.id, ()), answer) for answer in i.value.choices)
    return said


def suggestion_for(annotation: Annotation, predictions: Sequence[Prediction]) -> Prediction | None:
    """The prediction it was made from, or else the newest one there was when it was made."""
    for prediction in predictions:
        if prediction.id == annotation.parent_prediction:
            return prediction
    made = annotation.created_at
    earlier = [p for p in predictions if made is None or _stamp(p.created_at) <= _stamp(made)]
    return max(earlier, key=lambda p: (_stamp(p.created_at), p.id), default=None)


def _stamp(time: datetime | None) -> float:
    return time.timestamp() if time else 0.0
