"""The names of the controls in the labeling interface: what results carry as `from_name`.

They are written here once. The interface declares them, the encoder writes them, the decoder reads them.
"""

from collections.abc import Sequence

from builder.errors import SchemeError
from builder.scheme import Scheme

TEXT = "text"
ENTITY = "entity"
MENTION_STANCE = "mention_stance"
EVIDENCE_TARGET = "evidence_target"
PROBLEM = "problem"
COMMENT = "comment"
STANCE = "stance__"


def stance(target: str) -> str:
    """The control that asks for the stance toward a target of the scheme."""
    return STANCE + target


def slot(number: int) -> str:
    """The control that asks for the stance toward the article's own target `number`, counted from 1."""
    return f"{STANCE}{number}"


def asked(scheme: Scheme, targets: Sequence[str]) -> dict[str, str]:
    """Stance control to target, in the order shown; `targets` are the article's own, used in article mode only.

    >>> from builder.scheme import StanceLabel
    >>> asked(Scheme(stance={"none": StanceLabel()}, target_mode="article"), ["NATO", "Japan"])
    {'stance__1': 'NATO', 'stance__2': 'Japan'}
    """
    if not scheme.stance or scheme.target_mode == "mention":
        return {}
    if scheme.target_mode == "fixed":
        return {stance(target): target for target in scheme.targets}
    if len(targets) > scheme.max_targets:
        raise SchemeError(
            f"An article lists {len(targets)} targets; the interface asks about {scheme.max_targets}.",
            "Raise max_targets in the label scheme, or list fewer.",
        )
    return {slot(number): target for number, target in enumerate(targets, start=1)}
