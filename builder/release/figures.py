"""The few agreement figures that a card and a changelog tell, out of all that was measured."""

from typing import Any

_STANCE = {"alpha": "Krippendorff's alpha"}
_SPANS = {"exact_f1": "exact F1", "token_alpha": "token alpha"}


def figures(agreement: dict[str, Any]) -> dict[str, float]:
    """Name to number: stances over all and by target, spans over all and by label; what was not measured is missing.

    >>> figures({"stance": {"overall": {"alpha": 0.7}, "targets": {"japan": {"alpha": None}}}})
    {"stance, Krippendorff's alpha": 0.7}
    """
    stance, spans = agreement.get("stance") or {}, (agreement.get("spans") or {}).get("entity") or {}
    found: dict[str, float] = {}
    _take(found, "stance", stance.get("overall"), _STANCE)
    for target, measured in (stance.get("targets") or {}).items():
        _take(found, f"stance toward {target}", measured, _STANCE)
    _take(found, "entity spans", spans.get("overall"), _SPANS)
    for label, measured in (spans.get("labels") or {}).items():
        _take(found, f"{label} spans", measured, _SPANS)
    return found


def _take(found: dict[str, float], about: str, measured: dict[str, Any] | None, names: dict[str, str]) -> None:
    for key, name in names.items():
        number = (measured or {}).get(key)
        if isinstance(number, int | float):
            found[f"{about}, {name}"] = float(number)
