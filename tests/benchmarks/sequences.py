"""Speed of what is measured on sequences of tokens and on spans: run by `python -m tests.benchmarks.quality`."""

from typing import Any

import numpy as np

from builder.quality.aggregation.dawid_skene import dawid_skene_fit
from builder.quality.aggregation.mace import mace_fit
from builder.quality.aggregation.sequence import sequence_fit
from builder.quality.agreement.coefficients import disagreements
from builder.quality.settings import Aggregation
from tests.benchmarks.ratios import Report, best_of, in_turns
from tests.benchmarks.span_crowd import token_votes


def votes_on_tokens(report: Report) -> None:
    """Sequences and MACE over a million votes on tokens, against Dawid-Skene on the same votes; and which is right."""
    votes, truth = token_votes(200_000)
    found: dict[str, Any] = {}
    fits = {"dawid_skene": dawid_skene_fit, "mace": mace_fit, "sequence": sequence_fit}
    seconds = {
        name: best_of(2, lambda n=name, f=fit: found.update({n: f(votes, Aggregation())[0]}))  # type: ignore[misc]
        for name, fit in fits.items()
    }
    report.at_most("quality.sequence_vs_dawid_skene", seconds["sequence"] / seconds["dawid_skene"], 3)
    report.at_most("quality.mace_vs_dawid_skene", seconds["mace"] / seconds["dawid_skene"], 2)
    wrong = {name: float(np.mean(posterior.argmax(axis=1) != truth)) for name, posterior in found.items()}
    report.at_most("quality.sequence_errors_vs_dawid_skene", wrong["sequence"] / wrong["dawid_skene"], 1)


def units(report: Report) -> None:
    """Alpha for unitizing of 150,000 spans against the observed half of it as a plain loop over pairs of annotators."""
    rng = np.random.default_rng(3)
    texts, readers, each = 5_000, 3, 10
    start = (np.sort(rng.integers(0, 90, (texts * readers, each)), axis=1) * 10).ravel()
    text, who = np.repeat(np.arange(texts), readers * each), np.tile(np.repeat(np.arange(readers), each), texts)
    end, bounds = start + rng.integers(1, 10, len(start)), np.tile([0, 1000, readers], (texts, 1))

    def loop() -> int:
        total = 0
        spans: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for t, w, s, e in zip(text.tolist(), who.tolist(), start.tolist(), end.tolist(), strict=True):
            spans.setdefault((t, w), []).append((s, e))
        for (t, w), mine in spans.items():
            for theirs in (spans[t, other] for other in range(readers) if other != w):
                for s, e in mine:
                    met = [(s - a) ** 2 + (e - b) ** 2 for a, b in theirs if a < e and b > s]
                    total += sum(met) if met else 2 * (e - s) ** 2
        return total

    ratio = in_turns(5, loop, lambda: disagreements(text, who, start, end, bounds))
    report.at_least("quality.unit_alpha_vs_loop", ratio, 1)
