"""Rows of every granularity are found in their article, with the gold and the votes in them."""

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from builder.release.settings import Export
from builder.release.trace import trace
from tests.release.world import rows, sample


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("granularity", ["chunk", "sentence", "article", "window"])
def test_a_row_is_where_its_words_are(granularity: str, text: bool, tmp_path: Path) -> None:
    world = sample(tmp_path, articles=3)
    world.dissent.clear()
    for made in world.articles:
        made.chunks[1] = f"It rained. {made.chunks[1]}"
        made.spans[1] = [(start + 11, end + 11, label) for start, end, label in made.spans[1]]
    made = world.build(Export(configs=["entities"], granularity=granularity, text=text))
    paths, found = world.paths(), 0
    for row in rows(made.folder, "entities"):
        traced = trace(made.folder, made.manifest, row["id"], paths, lambda _: None)
        assert "".join(traced.place.text.split()) == "".join("".join(row["tokens"]).split())
        assert all(traced.place.article[0] <= g["start"] < g["end"] <= traced.place.article[1] for g in traced.gold)
        assert {vote["label"] for gold in traced.gold for vote in gold["votes"]} <= {"PERSON", "ORG", "GPE"}
        found += len(traced.gold)
    assert found == sum(len(spans) for made in world.articles for spans in made.spans)


def test_windows_that_only_touch_a_row_did_not_judge_it(tmp_path: Path) -> None:
    world = sample(tmp_path, articles=3)
    made = world.build(Export(configs=["entities"]))
    paths = world.paths()
    for name in ("selected", "windows"):
        table = pq.read_table(paths[name])
        at = table.schema.get_field_index("end")
        # Each ends where the next one begins.
        ends = pc.add(table["end"], 2).cast(table["end"].type)
        pq.write_table(table.set_column(at, table.schema.field(at), ends), paths[name])
    found = trace(made.folder, made.manifest, world.chunk(1, 1), paths, lambda _: None)
    assert [row["annotation_id"] for row in found.annotations] == ["1:1010", "1:1011", "1:1012"]
