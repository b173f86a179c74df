"""Other formats hold the same rows as the Parquet files."""

import json
from pathlib import Path

import pytest

from builder.errors import ConfigError
from builder.release.configuration import STRING, class_label, sequence
from builder.release.formats import write_conll, write_jsonl, write_spacy
from builder.release.settings import Export
from tests.release.world import rows, sample

pytestmark = pytest.mark.usefixtures("unread")


def test_json_lines_hold_every_configuration_with_labels_by_name(tmp_path: Path) -> None:
    made = sample(tmp_path).export(Export(formats=["jsonl"]))
    for name, found in made.manifest.configs.items():
        assert {p.stem for p in (made.folder / "jsonl" / name).glob("*")} == set(found.splits)
    lines = (made.folder / "jsonl/stance/train.jsonl").read_text("utf-8").splitlines()
    labels = made.manifest.labels["stance"]
    assert [json.loads(line) for line in lines] == [
        {**row, "label": labels[row["label"]]} for row in rows(made.folder, "stance", "train", about=True)
    ]
    given = json.loads((made.folder / "jsonl/annotations/train.jsonl").read_text("utf-8").splitlines()[0])
    assert given["created"] == given["updated"] == "2026-03-02"


def test_conll_holds_tokens_and_tags(tmp_path: Path) -> None:
    made = sample(tmp_path).export(Export(formats=["conll", "jsonl"]))
    assert [p.name for p in (made.folder / "conll").iterdir()] == ["entities"]
    released = [json.loads(x) for x in (made.folder / "jsonl/entities/train.jsonl").read_text("utf-8").splitlines()]
    head, *blocks, end = (made.folder / "conll/entities/train.conll").read_text("utf-8").split("\n\n")
    assert (head, end) == ("-DOCSTART- -X- -X- O", "")
    assert [block.splitlines() for block in blocks] == [
        [f"{t} - - {tag}" for t, tag in zip(row["tokens"], row["ner_tags"], strict=True)] for row in released
    ]
    assert any("B-PERSON" in block for block in blocks)


def test_docbin_holds_every_span_and_the_text(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="DocBin is spaCy's: pip install spacy")
    from spacy.tokens import DocBin

    world = sample(tmp_path)
    root = world.export(Export(formats=["spacy"])).folder
    docs = list(DocBin().from_disk(root / "spacy/entities/train.spacy").get_docs(spacy.blank("xx").vocab))
    released = rows(root, "entities", "train")
    assert [doc.user_data["id"] for doc in docs] == [row["id"] for row in released]
    assert [doc.text for doc in docs] == [row["text"] for row in released]
    for doc, row in zip(docs, released, strict=True):
        marked = [(s.start_char, s.end_char, s.label_) for s in doc.spans["entities"]]
        assert marked == [(s["start"], s["end"], s["label"]) for s in row["entities"]]
        assert {(e.start_char, e.end_char, e.label_) for e in doc.ents} <= set(marked)
    assert any(doc.ents for doc in docs)
    again = world.export(Export(formats=["spacy"], variant="again")).folder
    for path in (root / "spacy").rglob("*.spacy"):
        assert path.read_bytes() == (again / path.relative_to(root)).read_bytes()


@pytest.mark.parametrize(("format_", "off", "column"), [("conll", "tokens", "mask"), ("spacy", "text", "text")])
def test_a_format_without_its_columns_is_refused(format_: str, off: str, column: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{format_}, which needs the column {column} of entities"):
        sample(tmp_path).export(Export(formats=[format_], **{off: False}))


def test_conll_leaves_out_texts_with_a_hidden_token(tmp_path: Path) -> None:
    features = {"ner_tags": sequence(class_label(["O", "B-GPE"]))}
    given = [
        {"tokens": ["Tokyo", "."], "ner_tags": [1, 0], "mask": [False, False]},
        {"tokens": ["Kyiv", "."], "ner_tags": [1, 0], "mask": [False, True]},
        {"tokens": ["Yes"], "ner_tags": [0], "mask": [False]},
    ]
    write_conll(tmp_path / "a", iter(given), features)
    assert (tmp_path / "a").read_bytes() == b"-DOCSTART- -X- -X- O\n\nTokyo - - B-GPE\n. - - O\n\nYes - - O\n\n"


def test_json_lines_have_labels_by_name_and_null_where_there_is_none(tmp_path: Path) -> None:
    names = class_label(["favor", "against"])
    given = [{"id": "é", "label": 1, "tags": [1, 0]}, {"id": "b", "label": None, "tags": []}]
    write_jsonl(tmp_path / "a", iter(given), {"id": STRING, "label": names, "tags": sequence(names)})
    assert (tmp_path / "a").read_text("utf-8") == (
        '{"id": "é", "label": "against", "tags": ["against", "favor"]}\n{"id": "b", "label": null, "tags": []}\n'
    )


def test_docbin_keeps_every_gap_of_the_text_and_does_not_know_hidden_tokens(tmp_path: Path) -> None:
    """A gap other than one space is a word of its own, and each token finds its word behind it."""
    spacy = pytest.importorskip("spacy", reason="DocBin is spaCy's: pip install spacy")
    from spacy.tokens import DocBin

    text, tokens = "\n Tokyo  met\tKyiv, Kyiv.\n", ["Tokyo", "met", "Kyiv", ",", "Kyiv", "."]
    places = [(2, 7, "GPE"), (13, 17, "GPE"), (13, 23, "LIST"), (14, 16, "GPE")]
    entities = [{"start": start, "end": end, "label": label} for start, end, label in places]
    hidden = [False, True, False, False, False, True]
    given = [{"id": "a", "text": text, "tokens": tokens, "entities": entities, "mask": hidden}]
    write_spacy(tmp_path / "a", iter(given), {})
    (doc,) = DocBin().from_disk(tmp_path / "a").get_docs(spacy.blank("xx").vocab)
    assert (doc.text, doc.user_data) == (text, {"id": "a"})
    assert [token.text_with_ws for token in doc] == ["\n ", "Tokyo ", " ", "met", "\t", "Kyiv", ", ", "Kyiv", ".", "\n"]
    assert [(s.start_char, s.end_char) for s in doc.spans["entities"]] == [(2, 7), (13, 17), (13, 23), (13, 17)]
    assert [(e.text, e.label_) for e in doc.ents] == [("Tokyo", "GPE"), ("Kyiv, Kyiv", "LIST")]
    assert [i for i, token in enumerate(doc) if not token.ent_iob_] == [3, 8]
    # What a hidden token is in is no entity.
    given[0]["mask"] = [True, False, False, True, False, False]
    write_spacy(tmp_path / "b", iter(given), {})
    (doc,) = DocBin().from_disk(tmp_path / "b").get_docs(spacy.blank("xx").vocab)
    assert [i for i, token in enumerate(doc) if not token.ent_iob_] == [1, 6]
    assert list(doc.ents) == []
