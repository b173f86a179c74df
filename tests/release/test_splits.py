"""An article keeps its split for ever, near-duplicates stay together, and small corpora fill every split."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import ConfigError
from builder.release.settings import Split
from builder.release.splits import Member, assign_splits

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def members(count: int, per_cluster: int = 1) -> list[Member]:
    return [
        Member(
            f"{i:04d}", f"{i - i % per_cluster:04d}", DAY + timedelta(days=i), {"ORG": 1 + i % 3, "RARE": i % 7 == 0}
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("method", ["hash", "stratified", "time"])
@given(st.lists(st.integers(1, 60), min_size=2, max_size=5), st.integers(1, 3))
def test_no_article_changes_side_while_the_corpus_grows(method: str, sizes: list[int], per_cluster: int) -> None:
    recorded: dict[str, str] = {}
    for size in sorted(sizes):
        found = assign_splits(members(size, per_cluster), Split(method=method), recorded)
        assert {a: found.splits[a] for a in recorded} == recorded
        assert not found.left_out
        recorded = {**recorded, **found.splits}
        sides = {(m.cluster_id, found.splits[m.article_id]) for m in members(size, per_cluster)}
        assert len(sides) == len({cluster for cluster, _ in sides})


def test_the_hash_decides_without_a_record_too() -> None:
    few, many = (assign_splits(members(n), Split(), {}).splits for n in (200, 400))
    assert {a: many[a] for a in few} == few


def test_ratios_hold_on_a_large_corpus() -> None:
    counts = Counter(assign_splits(members(4000), Split(), {}).splits.values())
    assert counts["train"] / 4000 == pytest.approx(0.7, abs=0.03)
    assert counts["test"] / 4000 == pytest.approx(0.15, abs=0.03)


def test_another_seed_splits_otherwise() -> None:
    assert assign_splits(members(50), Split(), {}).splits != assign_splits(members(50), Split(seed=1), {}).splits


@pytest.mark.parametrize("count", [3, 5, 12])
@pytest.mark.parametrize("seed", range(5))
def test_a_small_corpus_fills_every_split(count: int, seed: int) -> None:
    assert set(assign_splits(members(count), Split(seed=seed), {}).splits.values()) == {"train", "validation", "test"}


def test_filling_never_moves_what_was_released() -> None:
    recorded = {m.article_id: "train" for m in members(5)}
    found = assign_splits(members(6), Split(), recorded).splits
    assert all(found[a] == "train" for a in recorded)


def test_a_split_without_a_share_stays_empty() -> None:
    found = assign_splits(members(30), Split(ratios={"train": 0.8, "validation": 0.0, "test": 0.2}), {}).splits
    assert set(found.values()) == {"train", "test"}


def test_members_of_a_torn_cluster_are_left_out_on_the_larger_side() -> None:
    torn = [Member("a", "c"), Member("b", "c"), Member("new", "c"), Member("other", "other")]
    found = assign_splits(torn, Split(), {"a": "train", "b": "test"})
    assert found.splits["b"] == "test"
    assert found.left_out == ["a", "new"]
    assert not {"a", "new"} & set(found.splits)


def test_by_time_older_articles_train() -> None:
    found = assign_splits(members(20), Split(method="time"), {}).splits
    order = [found[m.article_id] for m in members(20)]
    assert order == sorted(order, key=["train", "validation", "test"].index)


def test_by_time_newcomers_fall_behind_the_recorded_borders() -> None:
    recorded = assign_splits(members(20), Split(method="time"), {}).splits
    grown = assign_splits(members(30), Split(method="time"), recorded).splits
    assert {grown[m.article_id] for m in members(30)[20:]} == {"test"}


def test_by_time_days_may_be_given() -> None:
    days = {"train": "2026-01-05", "validation": "2026-01-07"}
    found = assign_splits(members(9), Split(method="time", until=days), {}).splits
    assert Counter(found.values()) == {"train": 5, "validation": 2, "test": 2}


def test_by_time_a_day_lasts_until_its_end_and_a_cluster_is_as_old_as_its_oldest_member() -> None:
    end = datetime(2026, 1, 6, tzinfo=UTC)
    given = [
        Member("last", "a", end - timedelta(microseconds=1)),
        Member("next", "b", end),
        Member("late", "c", end + timedelta(days=9)),
        Member("undated", "c"),
        Member("early", "c", DAY),
        Member("test", "d", end + timedelta(days=1)),
    ]
    days = {"train": "2026-01-05", "validation": "2026-01-06"}
    found = assign_splits(given, Split(method="time", until=days), {}).splits
    assert found == {
        "early": "train", "last": "train", "late": "train", "next": "validation", "test": "test", "undated": "train",
    }  # fmt: skip


def test_by_time_every_split_but_the_last_needs_a_day() -> None:
    with pytest.raises(ConfigError, match="no day for validation"):
        assign_splits(members(3), Split(method="time", until={"train": "2026-01-05"}), {})


def test_articles_that_keep_their_split_are_counted() -> None:
    recorded = {"0000": "test", "0001": "train", "gone": "train"}
    found = assign_splits(members(4), Split(), recorded)
    assert found.kept == 2
    assert (found.splits["0000"], found.splits["0001"]) == ("test", "train")


def test_an_empty_split_takes_the_nearest_cluster_of_the_largest_split() -> None:
    """Hashes: h .11, a .21, e .28, g .29, then d .79 and b .81; the test split is the last tenth."""
    ratios = {"train": 0.65, "validation": 0.25, "test": 0.1}
    found = assign_splits([Member(name, name) for name in "abdegh"], Split(ratios=ratios), {}).splits
    train = dict.fromkeys("aeh", "train")
    assert found == {**train, "g": "test", "b": "validation", "d": "validation"}


def test_by_time_an_undated_article_is_refused() -> None:
    with pytest.raises(ConfigError, match="no publication date"):
        assign_splits([Member("a", "a")], Split(method="time"), {})


def test_stratified_spreads_a_rare_label() -> None:
    found = assign_splits(members(70), Split(method="stratified"), {}).splits
    rare = Counter(found[m.article_id] for m in members(70) if m.weights["RARE"])
    assert rare["validation"] >= 1
    assert rare["test"] >= 1
    assert rare["train"] >= 6


HALVES = {"train": 0.5, "test": 0.5, "none": 0.0}


def test_stratified_measures_what_a_split_lacks_in_shares_of_each_label() -> None:
    """Train lacks six of twelve ORG, and has too many RARE; test has its ORG, and lacks half of the three RARE."""
    given = [
        Member("old", "old", weights={"RARE": 2}), Member("other", "other", weights={"ORG": 6}),
        Member("y", "y", weights={"ORG": 3}), Member("x", "x", weights={"ORG": 3, "RARE": 1}),
    ]  # fmt: skip
    settings = Split(method="stratified", ratios=HALVES)
    found = assign_splits(given, settings, {"old": "train", "other": "test", "gone": "test"}).splits
    assert found == {"old": "train", "other": "test", "x": "test", "y": "train"}
    # What was released into a split that has no share any more stays there.
    found = assign_splits(given[:3], settings, {"old": "dev", "other": "test"}).splits
    assert found == {"old": "dev", "other": "test", "y": "train"}


def test_stratified_without_labels_counts_articles_and_places_large_clusters_first() -> None:
    given = [Member(name, name.strip("123")) for name in ("b", "a1", "c", "a2", "d", "a3")]
    found = assign_splits(given, Split(method="stratified", ratios=HALVES), {}).splits
    assert found == {**dict.fromkeys(("a1", "a2", "a3"), "train"), **dict.fromkeys("bcd", "test")}


def test_by_time_the_first_release_meets_the_ratios() -> None:
    found = assign_splits(members(20), Split(method="time"), {}).splits
    assert list(found.values()) == ["train"] * 14 + ["validation"] * 3 + ["test"] * 3
    found = assign_splits(members(5), Split(method="time", ratios=HALVES), {}).splits
    assert list(found.values()) == ["train"] * 2 + ["test"] * 3


def test_by_time_a_newcomer_goes_where_released_ones_of_its_age_are() -> None:
    """The last released day of a split belongs to it; without any that is older, it goes to the next one that has."""
    recorded = {"0003": "train", "0001": "train", "0006": "validation", "0009": "test"}
    found = assign_splits(members(12), Split(method="time"), recorded).splits
    assert list(found.values()) == ["train"] * 4 + ["validation"] * 3 + ["test"] * 5
    found = assign_splits(members(4), Split(method="time"), {"0001": "validation"}).splits
    assert list(found.values()) == ["validation"] * 2 + ["test"] * 2
