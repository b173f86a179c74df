"""What a model believes of each annotator, in words, and which items are hard.

The model is Dawid and Skene's: what is right is believed as its posterior says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from builder.quality.aggregation.dawid_skene import dawid_skene_fit
from builder.quality.aggregation.majority import score_interval
from builder.quality.settings import Aggregation, Quality
from builder.quality.votes import Floats, Votes

#: Confusions and misses that are named: at least this share of a true label, and this many of them.
_SHARE, _COUNT = 0.05, 3
#: Hard items that are named.
_HARDEST = 10
_USED = Aggregation(method="dawid_skene", smoothing=0.1)
#: Logits by which annotators, and items, differ before any vote was seen (standard deviation).
_SPREAD = 1.5


@dataclass
class AnnotatorModel:
    """What the model believes of one annotator's `votes`: the share that is right with its interval, and in words.

    `known` says whether the annotator shares `aggregation.min_shared` items with two others; if not, the figures are
    about the others as much as about this annotator.
    """

    votes: int
    accuracy: float
    interval: tuple[float, float]
    known: bool
    words: str


@dataclass
class HardItem:
    """An item on which annotators err. `about` is a target, or the bounds of a span; difficulty is in logits, and 0 is
    the mean of all items."""

    chunk_id: str
    about: str
    difficulty: float
    interval: tuple[float, float]


def annotator_models(
    votes: Votes, names: Sequence[tuple[str, str]], settings: Quality
) -> tuple[dict[str, AnnotatorModel], list[HardItem]]:
    """The model of each annotator who shares an item with another, and the hardest items, the hardest first.

    `names` are the chunk of each item, and what the item is about. A label "" is silence: what an annotator says of a
    span that others marked.
    """
    raters = votes.per_item()
    shared = votes.per_annotator(raters[votes.item] > 2)
    several = votes.where(raters[votes.item] > 1)
    if not len(several.item):
        return {}, []
    posterior = model_posterior(votes)
    believed = posterior[several.item]
    right = believed[np.arange(len(several.item)), several.label]
    width, z = len(votes.labels), NormalDist().inv_cdf((1 + settings.confidence) / 2)
    out: dict[str, AnnotatorModel] = {}
    for number in np.unique(several.annotator).tolist():
        mine = several.annotator == number
        table = np.zeros((width, width))
        np.add.at(table.T, several.label[mine], believed[mine])
        accuracy, count = float(right[mine].mean()), int(mine.sum())
        low, high = score_interval(np.array(accuracy), np.array(count), z).round(6).tolist()
        known = bool(shared[number] >= _USED.min_shared)
        words = [f"right in {accuracy:.0%} ({low:.0%} to {high:.0%}) of {count}"]
        words += _confusions(table, votes.labels)
        if not known:
            words.append(f"only {shared[number]:.0f} items are shared with two others, too few to be sure")
        out[votes.annotators[number]] = AnnotatorModel(count, round(accuracy, 6), (low, high), known, "; ".join(words))
    found = difficulties(votes, posterior, settings.confidence)
    order = [i for i in np.argsort(-found[:, 1], kind="stable").tolist() if found[i, 0] > 0][:_HARDEST]
    hard = [(*names[i], *found[i].tolist()) for i in order]
    return out, [HardItem(chunk, about, middle, (low, high)) for chunk, about, low, middle, high in hard]


def model_posterior(votes: Votes) -> Floats:
    """What the model believes of each label of each item."""
    return dawid_skene_fit(votes, _USED)[0]


def difficulties(votes: Votes, posterior: Floats, confidence: float) -> Floats:
    """The difficulty of each item in logits with its interval, as items by low, middle and high; nan with one vote.

    The logit of being right is an annotator's ability less the item's difficulty, and 0 is the mean of all items.
    Fitted to the expected correctness of each vote, with a normal prior on both (G. Rasch 1960; as in GLAD of J.
    Whitehill et al., NIPS 2009). `posterior` is what is believed to be right.
    """
    rated = votes.per_item() > 1
    votes = votes.where(rated[votes.item])
    right = posterior[votes.item, votes.label]
    ability: Floats = np.zeros(len(votes.annotators))
    difficulty: Floats = np.zeros(votes.items)
    information: Floats = np.ones(votes.items)
    for _ in range(25 if rated.any() else 0):
        for values, per, sign in ((ability, votes.per_annotator, 1), (difficulty, votes.per_item, -1)):
            expected = 1 / (1 + np.exp(difficulty[votes.item] - ability[votes.annotator]))
            information = per(expected * (1 - expected)) + 1 / _SPREAD**2
            values += (per(sign * (right - expected)) - values / _SPREAD**2) / information
        # What moves all abilities and difficulties alike is left to the prior.
        shift = (ability.sum() + difficulty.sum()) / (len(ability) + len(difficulty))
        ability, difficulty = ability - shift, difficulty - shift
    middle = difficulty - (difficulty[rated].mean() if rated.any() else 0)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) / np.sqrt(information)
    found = np.round(np.stack([middle - reach, middle, middle + reach], axis=1), 6)
    return np.where(rated[:, None], found, np.nan)


def _confusions(table: Floats, labels: Sequence[str]) -> list[str]:
    """The most frequent errors in words, from a table of true by given labels."""
    totals = table.sum(axis=1)
    cells = [(table[t, g] / totals[t], t, g) for t, g in np.ndindex(*table.shape) if t != g and table[t, g] >= _COUNT]
    said = []
    for share, true, given in sorted(cells, reverse=True)[:3]:
        right, wrong = labels[true], labels[given]
        how = f"says {wrong} for {right}" if wrong and right else f"marks {wrong} for nothing" if wrong else ""
        if share >= _SHARE:
            said.append(f"{how or f'misses {right}'} in {share:.0%} of {totals[true]:.0f}")
    return said
