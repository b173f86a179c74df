"""From sets for target-dependent sentiment and back: every mention of a text is a row with its place and polarity."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from datasets import load_dataset

import builder
from builder.corpus.settings import Chunking
from builder.release.settings import Export
from tests.outcomes import pulled, short_exports
from tests.samples import Project, scheme

POLARITY = {2.0: "negative", 4.0: "neutral", 6.0: "positive"}


def line(text: str, *targets: tuple[str, int, float]) -> dict[str, Any]:
    """A line of such a set; targets are (mention, which of its occurrences, polarity)."""
    found = []
    for mention, occurrence, polarity in targets:
        start = -1
        for _ in range(occurrence):
            start = text.index(mention, start + 1)
        found.append({"start": start, "end": start + len(mention), "mention": mention, "polarity": polarity})
    return {"id": text[:6], "text": text, "targets": found}


LINES = [
    line("Tanaka praised Ms. Doe 🙂, and then Doe blamed Tanaka of the Bank of Japan.",
         ("Tanaka", 1, 6.0), ("Ms. Doe", 1, 6.0), ("Doe", 2, 4.0), ("Tanaka", 2, 2.0), ("Bank of Japan", 1, 4.0),
         ("Japan", 1, 4.0)),
    line("Nobody blamed Doe.", ("Doe", 1, 4.0)),
]  # fmt: skip


def test_what_a_set_says_comes_back_from_a_release(tmp_path: Path) -> None:
    labels = scheme(mode="mention", entities=["NAME"], stance=POLARITY.values(), evidence=False, absent="neutral")
    project = Project(tmp_path, articles=0, labels=labels, chunking=Chunking(method="article"),
                      export=Export(configs=["stance", "annotations"]))  # fmt: skip
    for number, made in enumerate(LINES):
        (project.config.raw / f"{number}.jsonl").write_text(json.dumps(made) + "\n", encoding="utf-8")
        places = {(t["start"], t["end"]): POLARITY[t["polarity"]] for t in made["targets"]}
        for user in range(3):
            project.dissent[user, number, 0] = {"spans": [(*place, "NAME") for place in places], "stances": places}
    # One annotator leaves out the title of Ms. Doe, and takes another side at the second mention of Tanaka.
    again = LINES[0]["text"].index("Tanaka", 1)
    other = dict(project.dissent[2, 0, 0]["stances"])
    other |= {(19, 22): other.pop((15, 22)), (again, again + 6): "positive"}
    project.dissent[2, 0, 0] = {"spans": [(*place, "NAME") for place in other], "stances": other}
    pulled(project)
    with short_exports():
        folder = Path(builder.export(project.config).folder)
    rows = [row for path in folder.glob("stance/*.parquet") for row in pq.read_table(path).to_pylist()]
    back = {value: key for key, value in POLARITY.items()}
    for made in LINES:
        found = [
            {"start": r["from"], "end": r["to"], "mention": r["mention"], "polarity": back[r["polarity"]]}
            for r in rows
            if r["text"] == made["text"]
        ]
        assert sorted(found, key=lambda t: t["start"]) == sorted(made["targets"], key=lambda t: t["start"])
    assert all(sum(row["votes"].values()) == 3 for row in rows)
    sides = {(r["from"], r["polarity"], r["status"]) for r in rows if r["mention"] == "Tanaka"}
    assert sides == {(0, "positive", "agreed"), (again, "negative", "adjudicated")}
    said = [row for path in folder.glob("annotations/*.parquet") for row in pq.read_table(path).to_pylist()]
    own = [(m["target"], m["from"], m["to"], m["label"]) for row in said for m in row["stances"]]
    assert sorted(m for m in own if m[1] in (15, 19)) == [
        ("Doe", 19, 22, "positive"),
        *[("Ms. Doe", 15, 22, "positive")] * 2,
    ]
    loaded = {"stance": load_dataset(str(folder), "stance", cache_dir=str(tmp_path))}
    (line_of_card,) = re.findall(r"^batches = (.*)$", (folder / "README.md").read_text(encoding="utf-8"), re.M)
    batches = eval(line_of_card, loaded)["train"]
    assert batches.column_names == ["text", "target", "from", "to", "label"]
    assert {type(value) for row in batches for value in row.values()} == {str, int}, "they fit into tensors"
    report = json.loads((builder.validate(project.config).folder / "agreement.json").read_text(encoding="utf-8"))
    measured = report["answers"]["stance"]["overall"]
    assert (measured["items"], measured["single"], measured["ratings"]) == (7, 0, 21)
