"""The few agreement figures that a card and a changelog show, out of all that was measured."""

from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = {"alpha": "Krippendorff's alpha", "exact_f1": "exact F1", "token_alpha": "token alpha"}
#: Parts of the agreement report that are about single people.
_ABOUT_PEOPLE = ("annotators", "questions", "known_answers")


def figures(report: Mapping[str, Any]) -> dict[str, float]:
    """Name to number: each question and kind of span, over all and by target or label. Unmeasured ones are missing.

    >>> measured = {"overall": {"alpha": 0.7}, "targets": {"japan": {"alpha": None}, "china": {"alpha": 0.5}}}
    >>> figures({"answers": {"stance": measured}})
    {"stance, Krippendorff's alpha": 0.7, "stance, china, Krippendorff's alpha": 0.5}
    """
    return dict(
        found for section, part in report.items() if section not in _ABOUT_PEOPLE for found in _measured(section, part)
    )


def _measured(name: str, part: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if "overall" not in part:
        for key, inner in part.items():
            yield from _measured(f"{key} spans" if name == "spans" else key, inner)
        return
    yield from _numbers(name, part["overall"])
    for apart in ("targets", "labels"):
        for key, measures in part.get(apart, {}).items():
            if key:
                yield from _numbers(f"{name}, {key}", measures)


def _numbers(name: str, measures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for key, words in _NAMES.items():
        if isinstance(measures.get(key), int | float):
            yield f"{name}, {words}", float(measures[key])
