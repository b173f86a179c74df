"""A release is opened with `load_dataset` before it takes its place: whatever is not as declared is found."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.errors import ReleaseError
from builder.release import verify
from builder.release.manifest import Manifest
from builder.release.settings import Export
from builder.release.verify import check_loads
from tests.release.world import World, sample
from tests.samples import article


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    made = sample(tmp_path_factory.mktemp("world")).export(
        # First the one with most of the faults below: opening stops at the first.
        Export(configs=["stance", "entities", "annotations"], shard_rows=12, group_rows=5)
    )
    return made.folder, made.manifest


@pytest.fixture
def copy(release: tuple[Path, Manifest], tmp_path: Path) -> tuple[Path, Manifest]:
    """A copy that may be damaged."""
    import shutil

    shutil.copytree(release[0], tmp_path / "release")
    return tmp_path / "release", msgspec.json.decode(msgspec.json.encode(release[1]), type=Manifest)


@pytest.fixture(params=[verify.STREAMED, 0], ids=["loaded", "streamed"])
def streamed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_every_configuration_and_split_loads(release: tuple[Path, Manifest], streamed: int) -> None:
    before = sorted(release[0].parent.iterdir())
    check_loads(*release, streamed)
    assert sorted(release[0].parent.iterdir()) == before


def rewrite(path: Path, change: Any) -> None:
    """The same file with a changed table."""
    table = pq.read_table(path)
    pq.write_table(change(table), path)


def test_rows_that_are_missing_are_found(copy: tuple[Path, Manifest], streamed: int) -> None:
    root, manifest = copy
    rewrite(sorted((root / "stance").glob("train-*"))[1], lambda table: table.slice(1))
    with pytest.raises(ReleaseError, match="stance"):
        check_loads(root, manifest, streamed)


def test_another_number_of_rows_than_declared_is_found(copy: tuple[Path, Manifest], streamed: int) -> None:
    root, manifest = copy
    manifest.configs["stance"].splits["test"].rows += 1
    with pytest.raises(ReleaseError, match="stance: test has"):
        check_loads(root, manifest, streamed)


def test_another_order_of_labels_is_found(copy: tuple[Path, Manifest], streamed: int) -> None:
    root, manifest = copy
    readme = root / "README.md"
    text = readme.read_text("utf-8").replace("'0': favor", "'0': x").replace("'1': against", "'1': favor")
    readme.write_text(text.replace("'0': x", "'0': against"), "utf-8")
    with pytest.raises(ReleaseError, match="stance: train has the features"):
        check_loads(root, manifest, streamed)


def test_a_split_that_is_not_there_is_found(copy: tuple[Path, Manifest], streamed: int) -> None:
    root, manifest = copy
    del manifest.configs["annotations"].splits["test"]
    with pytest.raises(ReleaseError, match="annotations: splits are train, validation, test, not train, validation"):
        check_loads(root, manifest, streamed)


@pytest.mark.parametrize("edge", ["first", "last"])
def test_files_in_another_order_are_found(edge: str, copy: tuple[Path, Manifest], streamed: int) -> None:
    root, manifest = copy
    original = verify._edges

    def other(files: list[Path]) -> tuple[dict[str, Any], dict[str, Any]]:
        first, last = original(files)
        changed = {"id": ["other"]}
        return ({**first, **changed}, last) if edge == "first" else (first, {**last, **changed})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "_edges", other)
        with pytest.raises(ReleaseError, match=f"the {edge} row of"):
            check_loads(root, manifest, streamed)


def test_what_the_library_raises_is_said(copy: tuple[Path, Manifest], streamed: int) -> None:
    root, manifest = copy
    for path in (root / "entities").iterdir():
        path.unlink()
    with pytest.raises(ReleaseError, match=r"entities: \w+Error|entities: \w+: "):
        check_loads(root, manifest, streamed)


def test_a_configuration_without_rows_is_not_opened(tmp_path: Path) -> None:
    world = World(tmp_path, [article(0)])
    for number in range(3):
        for i in range(4):
            world.dissent[number, world.chunk(0, i)] = {"stances": {}}
    made = world.export()
    assert made.manifest.configs["stance"].splits == {}
    check_loads(made.folder, made.manifest)
    card = (made.folder / "README.md").read_text("utf-8")
    assert "config_name: stance" not in card
    assert "No row in this release." in card


def test_large_releases_are_streamed(release: tuple[Path, Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    seen = []
    original = datasets.load_dataset

    def spy(*path: Any, **how: Any) -> Any:
        seen.append((path[1], how["streaming"]))
        return original(*path, **how)

    monkeypatch.setattr(datasets, "load_dataset", spy)
    check_loads(*release, streamed=96)
    assert dict(seen)["annotations"]
    assert not dict(seen)["stance"]
    assert not dict(seen)["entities"]
    assert verify.STREAMED == 200_000


def test_streamed_splits_are_counted_over_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import Dataset

    monkeypatch.setattr(verify, "_BATCH", 3)
    part = Dataset(pa.table({"id": [str(n) for n in range(8)]})).to_iterable_dataset()
    assert verify._streamed(part) == (8, {"id": ["0"]}, {"id": ["7"]})


@pytest.mark.usefixtures("opened")
def test_an_export_opens_what_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.release import card

    monkeypatch.setattr(card, "yaml_list", lambda features: [{"name": "id", "dtype": "int32"}])
    with pytest.raises(ReleaseError, match="does not load as it was declared"):
        sample(tmp_path, 3).export()
    assert not (tmp_path / "exports").exists()
