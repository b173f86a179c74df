"""What is believed of each item: by the method that decides, and as soft labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from builder.quality.aggregation import METHODS
from builder.quality.aggregation.majority import known_annotators
from builder.quality.aggregation.soft import SoftLabels, measure_calibration, smoothed_shares
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes
from builder.settings import load


class Beliefs(NamedTuple):
    """Items by labels: what decides, the soft labels, and smoothed shares of the votes. `method` is never "auto"."""

    decides: Floats
    soft: Floats
    shares: Floats
    method: str
    why: str

    @property
    def chosen(self) -> str:
        """The method, and why it was chosen if it was."""
        return f"{self.method}: {self.why}" if self.why else self.method


def believe(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Beliefs:
    """Beliefs by the configured method; "auto" chooses one by the votes."""
    method, why = choose(votes, settings) if settings.method == "auto" else (settings.method, "")
    used = replace(settings, method=method)
    decides = load(METHODS[method])(votes, used, accuracy)
    measured = measure_calibration(votes, used, accuracy)
    # Weights may come from elsewhere, so the shares do not say what they say.
    made = measured.made if measured else SoftLabels(1.0 if method == "weighted" else 0.0)
    return Beliefs(decides, made.of(votes, decides), smoothed_shares(votes, made.smoothing), method, why)


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
    crowd, known = len(votes.annotators), known_annotators(votes, settings)
    part = float(known[votes.annotator].mean()) if len(votes.item) else 0.0
    counted = f"{int(known.sum())} of {crowd} annotators share {settings.min_shared} items or more with two others"
    if part > 0.5:
        return "sequence", f"{counted}, so a model can tell them apart"
    return "majority", f"{counted}, too few to tell good from bad, so votes are counted"


def soft_columns(labels: Sequence[str | None], soft: Floats, shares: Floats) -> dict[str, Any]:
    """The columns `posterior`, `shares` and `entropy` (nats) of one gold label among these labels."""
    columns: dict[str, Any] = {}
    for name, values in (("posterior", soft), ("shares", shares)):
        part = values / values.sum() if values.sum() else values
        columns[name] = [{"label": x, "probability": float(p)} for x, p in zip(labels, part, strict=True)]
    p = np.array([entry["probability"] for entry in columns["posterior"]])
    return {**columns, "entropy": float(-(p[p > 0] * np.log(p[p > 0])).sum()) + 0.0}
