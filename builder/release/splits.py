"""Which split each article falls into: decided by cluster, remembered from release to release.

A near-duplicate cluster goes into one split as a whole. What an earlier release decided holds: an article keeps its
split for ever, and newcomers to its cluster follow it. The hash of a cluster decides the rest, so that the split of an
article depends neither on the other articles nor on their order; small corpora excepted, where a split that the hash
left empty takes the cluster whose hash is nearest.

When clusters that were released on different sides turn out to be near-duplicates of each other, neither rule can give
way: the members on the side with the larger ratio are left out of the release, and newcomers too.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from builder.errors import ConfigError
from builder.release.settings import SPLITTERS, Split
from builder.settings import load
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
    """The split of every article that has one, and the articles left out because their cluster is on two sides."""

    splits: dict[str, str]
    left_out: list[str]
    #: How many articles an earlier release placed.
    kept: int = 0


Clusters = dict[str, list[Member]]


def assign_splits(members: Iterable[Member], settings: Split, earlier: Mapping[str, str]) -> Assignment:
    """The split of each member, with `earlier` those of released articles; `ConfigError` when "time" meets no date."""
    clusters: dict[str, list[Member]] = defaultdict(list)
    for member in sorted(members, key=lambda m: m.article_id):
        clusters[member.cluster_id].append(member)
    given: dict[str, str] = {}
    left_out: list[str] = []
    for cluster_id, inside in sorted(clusters.items()):
        sides = {earlier[m.article_id] for m in inside if m.article_id in earlier}
        if len(sides) > 1:
            given[cluster_id] = min(sides, key=lambda s: (settings.shares.get(s, 0.0), s))
            left_out += [m.article_id for m in inside if earlier.get(m.article_id) != given[cluster_id]]
        elif sides:
            given[cluster_id] = sides.pop()
    chosen = load(SPLITTERS[settings.method])(clusters, given, settings) | given
    if settings.method != "time":
        _fill_empty(chosen, clusters.keys() - given.keys(), settings)
    splits = {m.article_id: chosen[m.cluster_id] for inside in clusters.values() for m in inside}
    for article_id in left_out:
        del splits[article_id]
    return Assignment(dict(sorted(splits.items())), sorted(left_out), sum(name in earlier for name in splits))


def _position(cluster_id: str, seed: int) -> float:
    """Where a cluster is between 0 and 1: the same on every machine and in every corpus."""
    return int(digest("split", str(seed), cluster_id)[:13], 16) / 16**13


def _stretches(settings: Split) -> dict[str, tuple[float, float]]:
    """The stretch of [0, 1) that belongs to each split with a share."""
    total, end = sum(settings.shares.values()), 0.0
    found = {}
    for name, ratio in settings.shares.items():
        if ratio:
            found[name] = (end, end + ratio / total)
            end = found[name][1]
    return found


def _at(place: float, stretches: dict[str, tuple[float, float]]) -> str:
    return next((name for name, (_, end) in stretches.items() if place < end), list(stretches)[-1])


def by_hash(clusters: Clusters, given: dict[str, str], settings: Split) -> dict[str, str]:
    """Each cluster where its hash is."""
    stretches = _stretches(settings)
    return {key: _at(_position(key, settings.seed), stretches) for key in clusters.keys() - given.keys()}


def stratified(clusters: Clusters, given: dict[str, str], settings: Split) -> dict[str, str]:
    """Largest clusters first, each to the split that lacks its labels most (Sechidis et al. 2011, for groups)."""
    shares = {name: end - start for name, (start, end) in _stretches(settings).items()}
    weights = {key: _weights(inside) for key, inside in clusters.items()}
    total = sum(weights.values(), Counter[str]())
    wanted = {name: {label: share * count for label, count in total.items()} for name, share in shares.items()}
    out = dict(given)
    fresh = clusters.keys() - given.keys()
    order = sorted(fresh, key=lambda k: (-weights[k].total(), _position(k, settings.seed)))
    for key in [*given, *order]:
        if key not in given:
            # A rare label weighs as much as a frequent one: what is missing is measured in shares of the label's total.
            lack = {
                name: sum(count * wanted[name][label] / total[label] ** 2 for label, count in weights[key].items())
                for name in shares
            }
            out[key] = max(shares, key=lambda name: (lack[name], shares[name]))
        if missing := wanted.get(out[key]):
            for label, count in weights[key].items():
                missing[label] -= count
    return out


def _weights(inside: list[Member]) -> Counter[str]:
    return sum((Counter(member.weights) for member in inside), Counter[str]()) or Counter(article=len(inside))


def by_time(clusters: Clusters, given: dict[str, str], settings: Split) -> dict[str, str]:
    """Earlier clusters first; a cluster is as old as its oldest dated member.

    Without days of one's own, those of the first release hold: a newcomer goes where released ones of its age are.
    """
    stretches = _stretches(settings)
    names = list(stretches)
    dates = {key: _date(inside) for key, inside in clusters.items()}
    fresh = sorted(clusters.keys() - given.keys(), key=lambda key: (dates[key], key))
    if settings.until:
        missing = [name for name in names[:-1] if name not in settings.until]
        if missing:
            raise ConfigError(f"split.until has no day for {missing[0]}.", "Give one to every split but the last.")
        days = {name: date.fromisoformat(settings.until[name]) for name in names[:-1]}
        ends = [(name, datetime.combine(day, time.max, UTC)) for name, day in days.items()]
    elif given:
        released = {name: [dates[key] for key, side in given.items() if side == name] for name in names[:-1]}
        ends = [(name, max(found)) for name, found in released.items() if found]
    else:
        return {key: _at((i + 0.5) / len(fresh), stretches) for i, key in enumerate(fresh)}
    return {key: next((name for name, end in ends if dates[key] <= end), names[-1]) for key in fresh}


def _date(inside: list[Member]) -> datetime:
    known = [m.published for m in inside if m.published is not None]
    if not known:
        raise ConfigError(
            f"Article {inside[0].article_id} has no publication date, and splits go by time.",
            "Give every article a date, or use split=by_article.",
        )
    return min(known)


def _fill_empty(chosen: dict[str, str], movable: set[str], settings: Split) -> None:
    """Gives every split with a share a cluster where possible, by moving only clusters that were never released.

    The split that can best spare one gives the cluster whose hash is nearest to the empty split's stretch.
    """
    for name, (start, end) in _stretches(settings).items():
        sizes = Counter(chosen.values())
        donors = [key for key in movable if sizes[chosen[key]] > 1]
        if name not in sizes and donors:
            places = {key: abs(_position(key, settings.seed) - (start + end) / 2) for key in donors}
            chosen[min(donors, key=lambda key: (-sizes[chosen[key]], places[key], key))] = name
