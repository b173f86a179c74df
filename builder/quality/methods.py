"""The share of belief each label of each item deserves, given the votes: one function a method.

Every method takes votes, settings and the annotators' weights and returns a matrix of items by labels, each between 0
and 1; a row is all zero where nobody voted. `aggregation.winners` turns beliefs into labels.
"""

from collections.abc import Callable

from builder.quality.aggregation import shares
from builder.quality.models import dawid_skene, mace
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes


def majority(votes: Votes, settings: Aggregation, weights: Floats) -> Floats:
    """The share of the annotators who chose each label, each counting the same."""
    return shares(votes)


def weighted(votes: Votes, settings: Aggregation, weights: Floats) -> Floats:
    """The share of the annotators who chose each label, each counting as much as their weight."""
    return shares(votes, weights)


#: By `aggregation.method`. With "expert" nothing but unanimity decides, which is found by counting as well.
METHODS: dict[str, Callable[[Votes, Aggregation, Floats], Floats]] = {
    "majority": majority,
    "dawid_skene": dawid_skene,
    "mace": mace,
    "weighted": weighted,
    "expert": majority,
}
