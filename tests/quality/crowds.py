"""Votes of made-up crowds whose truth and whose annotators' accuracy are known."""

from typing import Any

import numpy as np

from builder.quality.votes import Votes

LABELS = ["a", "b", "c"]
SKILLS = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4]


def votes_of(
    accuracies: list[float], items: int = 1500, votes_each: int = 5, seed: int = 3, spam: int | None = None
) -> tuple[Votes, Any, Any]:
    """Votes of annotators who are right as often as given and else choose any other label; spammers choose `spam`."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, items, p=[0.5, 0.3, 0.2])
    who = np.stack([rng.choice(len(accuracies), votes_each, replace=False) for _ in range(items)])
    right = rng.random(who.shape) < np.array(accuracies)[who]
    wrong = (truth[:, None] + rng.integers(1, 3, who.shape)) % 3
    given = np.where(right, truth[:, None], wrong)
    if spam is not None:
        given = np.where(np.array(accuracies)[who] == 0, spam, given)
    item = np.repeat(np.arange(items), votes_each)
    names = [f"w{i}" for i in range(len(accuracies))]
    votes = Votes(items, names, LABELS, item, who.ravel(), given.ravel())
    reached = np.array([np.mean((given == truth[:, None])[who == i]) for i in range(len(accuracies))])
    return votes, truth, reached
