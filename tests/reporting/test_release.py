"""A release's balance, losses and changes are those of its manifest."""

from typing import Any

from builder.release.configurations.entities import _MASKED, _ROW_BORDER, _STRICT
from builder.release.manifest import (
    Change,
    Changes,
    Configured,
    Counts,
    Leakage,
    LeftOut,
    Manifest,
    Pull,
    RowChanges,
    SplitFacts,
)
from builder.release.tags import LOSSES
from builder.reporting.release import ReleaseSection, release_section

FLIP = Change("c:japan", "favor -> none", "favor", "none")
MOVED = Change("d", "moved", "PERSON 0-12 'Maren Okafor'", "PERSON 6-12 'Okafor'")


def manifest(**more: Any) -> Manifest:
    """Two configurations; one split has no rows of the second."""
    splits = {"train": SplitFacts(6, labels={"none": 5, "favor": 1}), "test": SplitFacts(2, labels={"against": 2})}
    counts = Counts(
        articles=1, chunks=1, windows=1, annotators=1, annotations={}, quarantined=0, labels={},
        left_out={"stance": {"unresolved": 3, "rejected": 0}, "entities": {}}, windows_left_out={}, chunks_left_out={},
        published=[], sources={}, languages={}, predictions={}, experts=0,
    )  # fmt: skip
    usual: dict[str, Any] = {
        "name": "sample", "version": "1.0.1", "previous": "1.0.0", "configuration": {}, "recorded": False,
        "pull": Pull("x"), "tokenizer": "", "code": {}, "libraries": {}, "stages": {}, "labels": {},
        "configs": {"stance": Configured(splits=splits), "entities": Configured(splits={"test": SplitFacts(3)})},
        "counts": counts, "losses": {"entities": {"held": 9, "nested": 2, "crossing": 0, "masked-tokens": 4}},
        "leakage": Leakage(0, 0, 0, 0, 0.7, LeftOut()), "below_gates": "too few agree", "agreement": {},
    }  # fmt: skip
    return Manifest(**{**usual, **more})


def test_nothing_is_known_before_a_release() -> None:
    assert release_section(None) == ReleaseSection("Nothing is released yet: run `builder export`.")


def test_rows_and_labels_are_counted_by_split() -> None:
    found = release_section(manifest(), ["v1.0.0", "v1.0.1"])
    assert (found.version, found.previous, found.versions) == ("1.0.1", "1.0.0", ("v1.0.0", "v1.0.1"))
    assert found.below_gates == "too few agree"
    assert found.splits == ("train", "test")
    assert found.balance == (
        ("stance", "rows", 8, 6, 2),
        ("stance", "none", 5, 5, 0),
        ("stance", "favor", 1, 1, 0),
        ("stance", "against", 2, 0, 2),
        ("entities", "rows", 3, 0, 3),
    )


def test_what_is_lost_is_said_in_words() -> None:
    found = release_section(manifest())
    assert found.lost == (
        ("entities", "spans that are inside or around another span", 2),
        ("entities", "tokens whose tag is not known, so that training does not see them", 4),
    )
    assert found.left_out == (("stance", "unresolved", 3),)


def test_the_first_release_changed_nothing() -> None:
    found = release_section(manifest(previous=""))
    assert (found.words, found.changes) == (("First release.",), ())


def test_flipped_labels_and_moved_borders_are_shown_with_examples() -> None:
    labels = {"favor -> none": 2, "status agreed -> single": 5, "other votes for the same label": 9}
    rows = {
        "stance": RowChanges("answers", added=4, removed=1, changed=16, labels=labels, examples=[FLIP]),
        "entities": RowChanges("entities", labels={"moved": 7, "relabelled": 3, "added": 11}, examples=[MOVED]),
    }
    found = release_section(manifest(changes=Changes("minor", rows=rows)))
    # added, removed, flipped, moved
    assert found.changes == (("stance", 4, 1, 2, 0), ("entities", 0, 0, 3, 7))
    assert found.examples == {
        "Changes in stance: 1 of 16": [(FLIP.id, FLIP.what, FLIP.old, FLIP.new)],
        "Changes in entities: 1 of 21": [(MOVED.id, MOVED.what, MOVED.old, MOVED.new)],
    }
    whole = {"stance": RowChanges("answers", changed=1, labels={"favor -> none": 1}, examples=[FLIP])}
    assert list(release_section(manifest(changes=Changes("patch", rows=whole))).examples) == ["Changes in stance"]
    assert "`stance`: favor -> none: 2." in found.words


def test_every_loss_of_a_configuration_has_words() -> None:
    known = {"held", *LOSSES, _ROW_BORDER, _MASKED, _STRICT}
    lost = release_section(manifest(losses={"entities": dict.fromkeys(known, 1)})).lost
    assert len(lost) == 7
    assert not known & {words for _, words, _ in lost}
