"""What the builder saved in the name of an author is not taken for a change by somebody else."""

from pathlib import Path

from builder.store import canonical, digest
from builder.studio.campaign import Rewritten
from builder.studio.tasks import Saved

ONE, TWO = [{"id": "a"}], [{"id": "b"}]


def fresh(noted: Rewritten) -> Rewritten:
    """As the next command sees it."""
    return Rewritten(noted.folder, noted.server)


def test_the_last_result_of_each_annotation_counts_by_server(tmp_path: Path) -> None:
    noted, other = Rewritten(tmp_path / "made", "http://a"), Rewritten(tmp_path / "made", "http://b")
    noted.note(7, ONE)
    other.note(7, ONE)
    noted.note(7, TWO)
    noted.note(8, ONE)
    assert fresh(noted).results == {7: digest(canonical(TWO)), 8: digest(canonical(ONE))}
    assert other.results == {7: digest(canonical(ONE))}


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    noted = Rewritten(tmp_path, "s")
    noted.note(7, ONE)
    with (tmp_path / "rewritten.jsonl").open("a", encoding="utf-8") as file:
        file.write('\n{"server": "s", "anno')
    noted.note(8, TWO)
    assert set(fresh(noted).results) == {7, 8}


def test_what_another_changed_is_not_its_authors_afterwards(tmp_path: Path) -> None:
    noted = Rewritten(tmp_path, "s")
    noted.note(7, ONE)
    assert [noted.is_own(Saved(2, id=7, result=ONE, updated_by=who)) for who in (None, 2, 1)] == [True, True, True]
    assert not noted.is_own(Saved(2, id=7, result=TWO, updated_by=1))
    assert not noted.is_own(Saved(2, id=8, result=ONE, updated_by=1))
