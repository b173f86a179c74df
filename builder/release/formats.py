"""Other file formats on request: JSON Lines, CoNLL-2003 and spaCy's DocBin, from the Parquet files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from builder.errors import ConfigError
from builder.release.configuration import Features, label_names
from builder.release.configurations import SPECS
from builder.release.manifest import Configured, data_files
from builder.release.settings import FORMATS
from builder.settings import load

Rows = Iterator[dict[str, Any]]


def write(root: Path, formats: list[str], configs: Mapping[str, Configured], into: Path | None = None) -> None:
    """Writes `<format>/<configuration>/<split>.<format>` for every configuration that a format can hold.

    The files are below `into`, or else in the release `root` that they are made from.
    """
    for name in formats:
        for configuration, found in configs.items():
            if name in EVERYTHING or name in SPECS[found.kind].formats:
                if missing := NEEDED.get(name, set()) - found.features.keys():
                    raise ConfigError(
                        f"export.formats asks for {name}, which needs the column {min(missing)} of {configuration}.",
                        "Set export.text and export.tokens to true, and export.tags to bio.",
                    )
                for split in found.splits:
                    path = (into or root) / name / configuration / f"{split}.{name}"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    load(FORMATS[name])(path, _rows(data_files(root, configuration, split)), found.features)


def _rows(files: list[Path]) -> Rows:
    for path in files:
        with pq.ParquetFile(path) as opened:
            for batch in opened.iter_batches():
                yield from batch.to_pylist()


def write_jsonl(path: Path, rows: Rows, features: Features) -> None:
    """One object per row; labels by name."""
    names = label_names(features)
    with path.open("w", encoding="utf-8", newline="") as out:
        for row in rows:
            for column, known in names.items():
                value = row[column]
                if value is not None:
                    row[column] = [known[i] for i in value] if isinstance(value, list) else known[value]
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_conll(path: Path, rows: Rows, features: Features) -> None:
    """CoNLL-2003: token, two empty columns (part of speech, phrase) and tag, a blank line after each text.

    The format has no tag for what is not known, so texts with such a token are left out.
    """
    names = label_names(features)["ner_tags"]
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write("-DOCSTART- -X- -X- O\n\n")
        for row in rows:
            if any(row["mask"]):
                continue
            out.writelines(f"{t} - - {names[tag]}\n" for t, tag in zip(row["tokens"], row["ner_tags"], strict=True))
            out.write("\n")


def write_spacy(path: Path, rows: Rows, _: Features) -> None:
    """A DocBin of blank documents on the words of the release: entities without overlap, all spans in `doc.spans`.

    Tokens whose tag is not known are `missing`, which spaCy's training ignores.
    """
    try:
        import spacy
        from spacy.tokens import Doc, DocBin
        from spacy.util import filter_spans
    except ImportError as e:
        raise ConfigError("export.formats asks for spacy, which is not installed.", "pip install spacy.") from e
    vocabulary = spacy.blank("xx").vocab
    store = DocBin(store_user_data=True)
    for row in rows:
        words, spaces, places = _spaced(row["text"], row["tokens"])
        doc = Doc(vocabulary, words=words, spaces=spaces, user_data={"id": row["id"]})
        found = (doc.char_span(s["start"], s["end"], s["label"], alignment_mode="expand") for s in row["entities"])
        doc.spans["entities"] = [span for span in found if span is not None]
        hidden = {place for place, masked in zip(places, row["mask"], strict=True) if masked}
        ents = [e for e in filter_spans(list(doc.spans["entities"])) if hidden.isdisjoint(range(e.start, e.end))]
        doc.set_ents(ents, missing=[doc[i : i + 1] for i in sorted(hidden)])
        store.add(doc)
    store.to_disk(path)


def _spaced(text: str, tokens: list[str]) -> tuple[list[str], list[bool], list[int]]:
    """Words, whether a space follows each, and which of the words each token is.

    The text of the document is that of the row: gaps other than a space are words, too.
    """
    words, spaces, places = list[str](), list[bool](), list[int]()
    at = 0
    for token in [*tokens, ""]:
        end = text.index(token, at) if token else len(text)
        gap = text[at:end]
        if gap.startswith(" ") and words:
            spaces[-1], gap = True, gap[1:]
        for word in filter(None, (gap, token)):
            words.append(word)
            spaces.append(False)
        places.append(len(words) - 1)
        at = end + len(token)
    return words, spaces, places[:-1]


#: Formats that hold every configuration; a specification names the others that can hold it.
EVERYTHING = ("jsonl",)
#: Columns that a format needs.
NEEDED = {"conll": {"ner_tags", "mask"}, "spacy": {"text", "mask"}}
