"""How votes decide: what is believed of each item, by the configured method and as soft labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from builder.quality.aggregation import LEARNED, METHODS
from builder.quality.aggregation.majority import known_annotators, shares
from builder.quality.aggregation.soft import SoftLabels, measure_calibration, smoothed_shares
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Mask, Voters, Votes
from builder.settings import load


class Beliefs(NamedTuple):
    """Items by labels: what decides, the soft labels, and smoothed shares of the votes; the method, never "auto"; which
    items experts decided; and how many annotators must say what the method decides against others."""

    decides: Floats
    soft: Floats
    shares: Floats
    method: str
    expert: Mask
    min_backers: int


@dataclass
class Decider:
    """Who votes, how votes decide, and what annotators reached on the gold questions.

    `chosen` gets the method used for each question and kind of span, in words; with "auto", and why.
    """

    voters: Voters
    settings: Aggregation
    accuracy: Mapping[str, float] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)

    def believe(self, about: str, votes: Votes, experts: Votes | None = None) -> Beliefs:
        """Beliefs by the configured method; "auto" chooses one by the votes. Where experts voted, their votes count."""
        method, why = choose(votes, self.settings) if self.settings.method == "auto" else (self.settings.method, "")
        used = replace(self.settings, method=method)
        self.chosen[about] = f"{method}: {why}" if why else method
        decides = load(METHODS[method])(votes, used, self.accuracy)
        measured = measure_calibration(votes, used, self.accuracy)
        # Weights may come from elsewhere, so the shares do not say what they say.
        made = measured.made if measured else SoftLabels(1.0 if method == "weighted" else 0.0)
        found = decides, made.of(votes, decides), smoothed_shares(votes, made.smoothing)
        of_experts = np.zeros_like(decides) if experts is None else shares(experts)
        expert: Mask = np.asarray(of_experts.any(axis=1))
        decides, soft, counted = (np.where(expert[:, None], of_experts, values) for values in found)
        learned = method in LEARNED or (method == "weighted" and used.weigh_by == "agreement")
        return Beliefs(decides, soft, counted, method, expert, used.min_backers if learned else 1)


def auto(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The beliefs of the method that `choose` chooses."""
    method, _ = choose(votes, settings)
    found: Floats = load(METHODS[method])(votes, replace(settings, method=method), accuracy)
    return found


def choose(votes: Votes, settings: Aggregation) -> tuple[str, str]:
    """The method that fits the votes, and why, in words.

    A model is used when most votes come from annotators whom it can know: with `min_shared` items that three or more
    answered. Otherwise votes are counted. Measured by `python -m tests.benchmarks.quality`.
    """
    known = known_annotators(votes, settings)
    shared = f"share {settings.min_shared} items or more with two others"
    counted = f"{int(known.sum())} of {len(known)} annotators {shared}"
    if votes.per_annotator()[known].sum() > len(votes.item) / 2:
        return "sequence", f"{counted}, so a model can tell them apart"
    return "majority", f"{counted}, too few to tell good from bad, so votes are counted"


def soft_columns(labels: Sequence[str | None], soft: Floats, shares: Floats) -> dict[str, Any]:
    """The columns `posterior`, `shares` and `entropy` (nats) of one gold label among these labels."""
    posterior, shown = (p / p.sum() if p.sum() else p for p in (soft, shares))
    some = posterior[posterior > 0]
    columns = {
        name: [{"label": x, "probability": p} for x, p in zip(labels, values.tolist(), strict=True)]
        for name, values in (("posterior", posterior), ("shares", shown))
    }
    return {**columns, "entropy": float(-(some * np.log(some)).sum()) + 0.0}
