"""Which split each article falls into: decided by cluster, remembered from release to release.

A near-duplicate cluster goes into one split as a whole. What an earlier release decided stands: an article keeps its
split for ever, and newcomers to its cluster follow it. The hash of a cluster decides the rest, so that the split of an
article depends neither on the other articles nor on their order; small corpora excepted, where a split that the hash
left empty takes the cluster whose hash lies nearest.

When clusters that were released on different sides turn out to be near-duplicates of each other, neither rule can give
way: the members on the side with the larger ratio are left out of the release, and newcomers too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from builder.errors import ConfigError
from builder.release.settings import Split
from builder.store import digest


@dataclass(frozen=True)
class Member:
    """An article as splitting sees it."""

    article_id: str
    cluster_id: str
    published: datetime | None = None
    #: How many rows of each label it brings: what "stratified" spreads evenly.
    weights: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """The split of every article that has one, and the articles left out because their cluster lies on two sides."""

    splits: dict[str, str]
    left_out: list[str]


def assign(members: Iterable[Member], settings: Split, earlier: Mapping[str, str]) -> Assignment:
    """The split of each member; `earlier` is what released articles were given before.

    Raises `ConfigError` when method "time" meets articles without a date.
    """
    clusters: dict[str, list[Member]] = defaultdict(list)
    for member in sorted(members, key=lambda m: m.article_id):
        clusters[member.cluster_id].append(member)
    given: dict[str, str] = {}
    left_out: list[str] = []
    for cluster_id, inside in sorted(clusters.items()):
        sides = {earlier[m.article_id] for m in inside if m.article_id in earlier}
        if len(sides) > 1:
            given[cluster_id] = min(sides, key=lambda s: (settings.ratios.get(s, 0.0), s))
            left_out += [m.article_id for m in inside if earlier.get(m.article_id) != given[cluster_id]]
        elif sides:
            given[cluster_id] = sides.pop()
    fresh = METHODS[settings.method](clusters, given, settings)
    chosen = {**fresh, **given}
    if settings.method != "time":
        fill_empty(chosen, set(fresh), settings)
    splits = {m.article_id: chosen[m.cluster_id] for inside in clusters.values() for m in inside}
    for article_id in left_out:
        del splits[article_id]
    return Assignment(dict(sorted(splits.items())), sorted(left_out))


def position(cluster_id: str, seed: int) -> float:
    """Where a cluster lies between 0 and 1: the same on every machine and in every corpus."""
    return int(digest("split", str(seed), cluster_id)[:13], 16) / 16**13


def bounds(settings: Split) -> dict[str, tuple[float, float]]:
    """The stretch of [0, 1) that belongs to each split with a share."""
    total = sum(settings.ratios.values())
    found: dict[str, tuple[float, float]] = {}
    at = 0.0
    for name, ratio in settings.ratios.items():
        if ratio:
            found[name] = (at, at + ratio / total)
            at += ratio / total
    return found


Clusters = dict[str, list[Member]]


def _by_hash(clusters: Clusters, given: dict[str, str], settings: Split) -> dict[str, str]:
    edges = bounds(settings)
    last = list(edges)[-1]
    out = {}
    for key in clusters.keys() - given.keys():
        at = position(key, settings.seed)
        out[key] = next((name for name, (_, end) in edges.items() if at < end), last)
    return out


def _stratified(clusters: Clusters, given: dict[str, str], settings: Split) -> dict[str, str]:
    """Largest clusters first, each to the split that lacks its labels most (Sechidis et al. 2011, for groups)."""
    shares = {name: end - start for name, (start, end) in bounds(settings).items()}
    weights = {key: _weights(inside) for key, inside in clusters.items()}
    total: dict[str, float] = defaultdict(float)
    for counts in weights.values():
        for label, count in counts.items():
            total[label] += count
    wanted = {name: {label: share * count for label, count in total.items()} for name, share in shares.items()}
    for key, name in given.items():
        for label, count in weights[key].items():
            wanted.get(name, {label: 0.0})[label] -= count
    out = {}
    fresh = clusters.keys() - given.keys()
    for key in sorted(fresh, key=lambda k: (-sum(weights[k].values()), position(k, settings.seed))):
        counts = weights[key]
        # A rare label weighs as much as a frequent one: what is missing is measured in shares of the label's total.
        lack = {
            name: sum(count * wanted[name][label] / total[label] ** 2 for label, count in counts.items())
            for name in shares
        }
        out[key] = max(shares, key=lambda name: (lack[name], shares[name]))
        for label, count in counts.items():
            wanted[out[key]][label] -= count
    return out


def _weights(inside: list[Member]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for member in inside:
        for label, count in member.weights.items():
            if count:
                counts[label] += count
    return dict(counts) or {"article": len(inside)}


def _by_time(clusters: Clusters, given: dict[str, str], settings: Split) -> dict[str, str]:
    """Earlier clusters first; a cluster is as old as its oldest dated member.

    Without days of one's own, those of the first release stand: a newcomer falls where released ones of its age lie.
    """
    names = list(bounds(settings))
    dates = {key: _date(inside) for key, inside in clusters.items()}
    fresh = sorted(clusters.keys() - given.keys(), key=lambda key: (dates[key], key))
    if settings.until:
        missing = [name for name in names[:-1] if name not in settings.until]
        if missing:
            raise ConfigError(f"split.until has no day for {missing[0]}.", "Give one to every split but the last.")
        ends = [(name, _day_end(name, settings.until[name])) for name in names[:-1]]
    elif given:
        last = {name: [dates[key] for key, side in given.items() if side == name] for name in names[:-1]}
        ends = [(name, max(found)) for name, found in last.items() if found]
    else:
        edges = bounds(settings)
        places = {key: (i + 0.5) / len(fresh) for i, key in enumerate(fresh)}
        return {key: next((n for n, (_, end) in edges.items() if places[key] < end), names[-1]) for key in fresh}
    return {key: next((name for name, end in ends if dates[key] <= end), names[-1]) for key in fresh}


def _date(inside: list[Member]) -> datetime:
    known = [m.published for m in inside if m.published is not None]
    if not known:
        raise ConfigError(
            f"Article {inside[0].article_id} has no publication date, and splits go by time.",
            "Give every article a date, or use split=by_article.",
        )
    return min(known)


def _day_end(name: str, day: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(day)
    except ValueError as e:
        raise ConfigError(f"split.until.{name} is {day!r}.", "Write a day as 2025-06-30.") from e
    return parsed.replace(hour=23, minute=59, second=59, microsecond=999_999, tzinfo=UTC)


METHODS: dict[str, Callable[[Clusters, dict[str, str], Split], dict[str, str]]] = {
    "hash": _by_hash,
    "stratified": _stratified,
    "time": _by_time,
}


def fill_empty(chosen: dict[str, str], movable: set[str], settings: Split) -> None:
    """Gives every split with a share a cluster where possible, by moving only clusters that were never released.

    The split that can best spare one gives the cluster whose hash lies nearest to the empty split's stretch.
    """
    edges = bounds(settings)
    for name, (start, end) in edges.items():
        if name in chosen.values():
            continue
        sizes = {other: sum(v == other for v in chosen.values()) for other in edges}
        donors = [key for key in movable if sizes.get(chosen[key], 0) > 1]
        if donors:
            middle = (start + end) / 2
            nearest = min(
                donors, key=lambda key: (-sizes[chosen[key]], abs(position(key, settings.seed) - middle), key)
            )
            chosen[nearest] = name
