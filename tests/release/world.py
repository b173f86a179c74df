"""Stage tables of the sample world on disk, and releases made from them: what release tests start from."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder import tables
from builder.config import Dataset
from builder.corpus.settings import Chunking, Dedup, Selection
from builder.release.build import Sources
from builder.release.export import export
from builder.release.manifest import Exported
from builder.release.passages import STAGES
from builder.release.settings import METADATA, Export, Split
from builder.scheme import Scheme
from builder.settings import public
from tests.samples import ANNOTATORS, Article, Crowd, article, scheme

PULL = "c0ffee" + "0" * 58


@dataclass
class World:
    """Articles and what a crowd said about them; `export` releases it below `root`, `build` makes its data files.

    `dissent` and `skipped` are those of `Crowd.read`. `selected` are ids of chunks; None for all. `chunked` are other
    chunks than those that annotators saw, as (article, start, end).
    """

    root: Path
    articles: list[Article] = field(default_factory=lambda: [article(number) for number in range(12)])
    labels: Scheme = field(default_factory=scheme)
    dissent: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    selected: set[str] | None = None
    chunked: list[tuple[Article, int, int]] | None = None
    dataset: Dataset = field(default_factory=lambda: Dataset(name="sample", license="cc-by-4.0"))
    agreement: dict[str, Any] = field(default_factory=lambda: {"answers": {"stance": {"overall": {"alpha": 0.75}}}})
    evidence: bool = False
    quarantined: set[str] = field(default_factory=set)
    annotators: tuple[str, ...] = ANNOTATORS
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def chunk(self, number: int, i: int) -> str:
        """Id of chunk `i` of an article."""
        return self.articles[number].chunk_id(i)

    def tables(self) -> dict[str, pa.Table]:
        """Every stage table, with gold by simple majority."""
        how = {"dissent": self.dissent, "skipped": self.skipped, "evidence": self.evidence}
        crowd = Crowd().read(*self.articles, annotators=self.annotators, **how)
        bad = pc.is_in(crowd.annotations["annotation_id"], pa.array(sorted(self.quarantined), pa.string()))
        annotations = _with(crowd.annotations, "quarantined", bad)
        annotations = _with(annotations, "pull", pa.array([PULL] * annotations.num_rows, pa.string()))
        chunks = crowd.chunks if self.chunked is None else tables.build([*map(_chunk, self.chunked)], tables.CHUNKS)
        chosen = self.selected if self.selected is not None else set(chunks["chunk_id"].to_pylist())
        counted = set(annotations.filter(pc.invert(bad))["annotation_id"].to_pylist())
        voters = _voters(annotations, counted)
        return {
            "articles": crowd.articles,
            "chunks": chunks,
            "selected": chunks.filter(pc.is_in(chunks["chunk_id"], pa.array(sorted(chosen), pa.string()))),
            "windows": crowd.windows,
            "annotations": annotations,
            "spans": crowd.spans,
            "answers": crowd.answers,
            "gold_spans": tables.build([*_gold_spans(crowd, voters)], tables.GOLD_SPANS),
            "gold_answers": tables.build([*_gold_answers(crowd, counted, voters)], tables.GOLD_ANSWERS),
        }

    def paths(self) -> dict[str, Path]:
        """Writes the tables; returns their paths."""
        folder = self.root / "stages"
        folder.mkdir(parents=True, exist_ok=True)
        found = {name: folder / f"{name}.parquet" for name in STAGES}
        for name, table in self.tables().items():
            pq.write_table(table, found[name])
        return found

    def sources(self, settings: Export, split: Split, paths: dict[str, Path] | None = None) -> Sources:
        """What the release is made from; the stage tables are written unless they are at `paths`."""
        groups = {"dataset": self.dataset, "dedup": Dedup(), "chunking": Chunking(), "selection": Selection()}
        groups |= {"export": settings, "split": split}
        return Sources(
            tables=paths or self.paths(),
            scheme=self.labels,
            settings=settings,
            split=split,
            configuration={
                "labels": {"name": self.labels.name, "guidelines": self.labels.guidelines},
                **{name: public(group) for name, group in groups.items()},
                "aggregation": {"method": "majority"},
                "source": {"format": "auto"},
            },
            pull={"server_version": "1.23.2", "scheme_version": "sample@1"},
            agreement=self.agreement,
            stages={"validate": "ab12"},
            recorded=True,
        )

    def export(self, settings: Export | None = None, split: Split | None = None, **facts: Any) -> Exported:
        """The release of the world as it is now; `facts` change the sources."""
        settings, split = settings or Export(), split or Split()
        sources = replace(self.sources(settings, split, facts.pop("tables", None)), **facts)
        return export(sources, self.root / "exports", self.root / "scratch")

    def build(self, settings: Export | None = None, split: Split | None = None, **facts: Any) -> Exported:
        """The data files of a first release in a folder of their own, and what its manifest says of them.

        What an export writes beside them, pages first of all, takes more time than they do.
        """
        alone = replace(self, root=self.root / "built" / str(next(self._numbers)))
        with mock.patch("builder.release.export._describe"):
            return alone.export(settings, split, **facts)


def _with(table: pa.Table, name: str, column: Any) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), column)


def _chunk(place: tuple[Article, int, int]) -> dict[str, Any]:
    made, start, end = place
    key = f"{made.id}-{start}-{end}"
    return {"chunk_id": key, "article_id": made.id, "start": start, "end": end, "text": made.text[start:end]}


Voters = dict[str, list[dict[str, str]]]


def _voters(annotations: pa.Table, counted: set[str]) -> Voters:
    """Chunk to the annotations that count."""
    found: Voters = {}
    for row in annotations.select(["annotation_id", "chunk_id", "article_id", "annotator", "state"]).to_pylist():
        if row["annotation_id"] in counted and row["state"] in ("labelled", "labelled-empty"):
            found.setdefault(row["chunk_id"], []).append(row)
    return found


def _decided(votes: list[str | None], label: str) -> str:
    share = votes.count(label) / len(votes)
    return "agreed" if share == 1 else "adjudicated" if share > 0.5 else "rejected" if share < 0.5 else "unresolved"


def _gold_spans(crowd: Crowd, by_chunk: Voters) -> Iterator[dict[str, Any]]:
    spans: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    for row in crowd.spans.to_pylist():
        key = (row["chunk_id"], row["kind"], row["start"], row["end"], row["label"])
        spans.setdefault(key, {})[row["annotation_id"]] = row
    for (chunk, *_), marked in sorted(spans.items()):
        voters = by_chunk.get(chunk, [])
        one = next(iter(marked.values()))
        given = [one["label"] if voter["annotation_id"] in marked else None for voter in voters]
        if any(given):
            columns = ("chunk_id", "article_id", "kind", "start", "end", "label", "text", "targets")
            yield {
                **{name: one[name] for name in columns},
                "probability": given.count(one["label"]) / len(given),
                **_soft(given),
                "method": "majority",
                "votes": _votes(voters, given),
                "status": _decided(given, one["label"]),
            }


def entropy(*shares: float) -> float:
    """Entropy in nats."""
    return -sum(share * math.log(share) for share in shares if share)


def _soft(given: Sequence[str | None]) -> dict[str, Any]:
    """Shares of the votes, as the posterior of gold and as its shares."""
    counted = [{"label": label, "probability": count / len(given)} for label, count in Counter(given).items()]
    spread = entropy(*(x["probability"] for x in counted))
    return {"posterior": counted, "shares": counted, "entropy": spread, **hard(spread)}


def hard(spread: float) -> dict[str, float]:
    """The columns of difficulty that votes with this entropy get here."""
    return {"difficulty": spread + 1, "difficulty_low": spread, "difficulty_high": spread + 3}


def _votes(voters: list[dict[str, str]], labels: Iterable[str | None]) -> list[dict[str, Any]]:
    return [
        {"annotator": voter["annotator"], "annotation_id": voter["annotation_id"], "label": label}
        for voter, label in zip(voters, labels, strict=True)
    ]


def _gold_answers(crowd: Crowd, counted: set[str], by_chunk: Voters) -> Iterator[dict[str, Any]]:
    given: dict[tuple[Any, ...], dict[str, str]] = {}
    for row in crowd.answers.to_pylist():
        if row["annotation_id"] in counted:
            key = tuple(row[name] for name in ("chunk_id", "question", "target", "start", "end"))
            given.setdefault(key, {})[row["annotation_id"]] = row["label"]
    for (chunk, question, target, start, end), answers in sorted(given.items(), key=str):
        voters = [voter for voter in by_chunk[chunk] if voter["annotation_id"] in answers]
        labels = [answers[voter["annotation_id"]] for voter in voters]
        best, count = Counter(labels).most_common(1)[0]
        status = "unresolved" if count * 2 <= len(labels) else _decided([*labels], best)
        yield {
            "chunk_id": chunk,
            "article_id": voters[0]["article_id"],
            "question": question,
            "target": target,
            "start": start,
            "end": end,
            "label": None if status == "unresolved" else best,
            "probability": count / len(labels),
            **_soft(labels),
            "method": "majority",
            "votes": _votes(voters, labels),
            "status": status,
        }


def sample(root: Path, articles: int = 12, **changes: Any) -> World:
    """Articles of four chunks, three annotators who agree but for one stance and one span."""
    made = World(root, [article(number) for number in range(articles)], **changes)
    made.dissent[0, made.chunk(0, 0)] = {"stances": {"ukraine": "neutral", "japan": "none"}}
    made.dissent[1, made.chunk(1, 0)] = {"spans": made.articles[1].spans[0][:-1]}
    return made


def rows(root: Path, configuration: str, split: str = "", about: bool = False) -> list[dict[str, Any]]:
    """The rows of a configuration, in the order of the files; without what they say about articles, but for `about`."""
    found: list[dict[str, Any]] = []
    for path in sorted((root / configuration).glob(f"{split}*.parquet")):
        table = pq.read_table(path)
        found += (table if about else table.drop_columns([n for n in METADATA if n in table.column_names])).to_pylist()
    return found


def splits_of(root: Path, configuration: str) -> Mapping[str, str]:
    """Row id to split."""
    return {
        row["id"]: path.name.split("-")[0]
        for path in (root / configuration).glob("*.parquet")
        for row in pq.read_table(path, columns=["id"]).to_pylist()
    }
