"""A release: how its labels are balanced, what changed since the one before, and what tags and rows lose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.release.diff import lines
from builder.release.manifest import Change, Manifest, SplitFacts
from builder.release.tags import LOSSES

#: What rows cannot hold, in words.
_LOST = {why: f"spans that {words}" for why, words in LOSSES.items()} | {
    "row-border": "spans that cross the border of a row and are in none",
    "masked-tokens": "tokens whose tag is not known, so that training does not see them",
    "strict-rows": "texts that are left out, because a span in them was not decided",
}


@dataclass(frozen=True)
class ConfigurationChange:
    """What changed in one configuration. Of labels `flipped` became others, and of spans `moved` have other bounds.

    `kinds` counts all changes by their kind in words; `examples` are some of them.
    """

    configuration: str
    added: int
    removed: int
    flipped: int
    moved: int
    kinds: tuple[tuple[str, int], ...]
    examples: tuple[Change, ...]


@dataclass(frozen=True)
class ReleaseSection:
    """One release and its difference from the one before; `words` say it as CHANGELOG.md does.

    `balance` has per configuration and label, or "" for all rows, the number in each of the `splits`. `lost` is what
    rows cannot hold, and `left_out` gold that has no row: configuration, reason and number.
    """

    missing: str = ""
    version: str = ""
    previous: str = ""
    versions: tuple[str, ...] = ()
    below_gates: str = ""
    splits: tuple[str, ...] = ()
    balance: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    left_out: tuple[tuple[str, str, int], ...] = ()
    lost: tuple[tuple[str, str, int], ...] = ()
    words: tuple[str, ...] = ()
    changes: tuple[ConfigurationChange, ...] = ()


def release_section(manifest: Manifest | None, versions: Sequence[str] = ()) -> ReleaseSection:
    """What the manifest of the latest of the releases says; all of it is public."""
    if manifest is None:
        return ReleaseSection("Nothing is released yet: run `builder export`.")
    splits = tuple(dict.fromkeys(name for found in manifest.configs.values() for name in found.splits))
    balance = []
    for name, found in manifest.configs.items():
        facts = [found.splits.get(split, SplitFacts()) for split in splits]
        balance.append((name, "", tuple(one.rows for one in facts)))
        labels = dict.fromkeys(label for one in facts for label in one.labels)
        balance += [(name, label, tuple(one.labels.get(label, 0) for one in facts)) for label in labels]
    return ReleaseSection(
        version=manifest.version,
        previous=manifest.previous,
        versions=tuple(versions),
        below_gates=manifest.below_gates,
        splits=splits,
        balance=tuple(balance),
        left_out=_listed(manifest.counts.left_out),
        lost=_listed(manifest.losses),
        words=tuple(lines(manifest.changes)),
        changes=tuple(
            ConfigurationChange(
                name, found.added, found.removed,
                # A label that became another is such as "favor -> against"; statuses are written so as well.
                sum(n for what, n in found.labels.items() if what == "relabelled" or _is_flip(what)),
                found.labels.get("moved", 0), tuple(found.labels.items()), tuple(found.examples),
            )
            for name, found in manifest.changes.rows.items()
        ),
    )  # fmt: skip


def _is_flip(what: str) -> bool:
    return " -> " in what and not what.startswith("status ")


def _listed(counts: Mapping[str, Mapping[str, int]]) -> tuple[tuple[str, str, int], ...]:
    """Configuration, reason in words and number; what is held is no loss."""
    return tuple(
        (name, _LOST.get(why, why), n)
        for name, found in counts.items()
        for why, n in found.items()
        if n and why != "held"
    )
