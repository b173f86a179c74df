"""A workspace as the stages before export leave it, grown and corrected step by step: what release tests start from."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from builder import tables
from builder.config import Config, Dataset, Paths
from builder.scheme import Scheme
from builder.store import digest, write_json, write_table
from builder.studio.settings import Annotators
from builder.tables import WINDOWS
from tests import samples

ANNOTATORS = ("annotator-0a1b2c", "annotator-3d4e5f", "annotator-678901")
PULL = "c0ffee" + "0" * 58
DAY = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

NAMES = {
    "PERSON": ("Maren Okafor", "Iwao Šimek", "Zoë Adeyemi 👩‍✈️"),
    "ORG": ("Raytheon", "the Ministry", "Kessler-Lindt AG"),
    "GPE": ("Ukraine", "Japan", "Kyiv"),
}
SAYS = {
    "favor": "praised {gpe} and promised {gpe} more help",
    "against": "blamed {gpe} and threatened {gpe} with cuts",
    "neutral": "met officials of {gpe} and left {gpe} again",
}
_WORDS = [
    "harbour",
    "bridge",
    "winter",
    "factory",
    "tender",
    "treaty",
    "winch",
    "copper",
    "radar",
    "depot",
    "vessel",
    "signal",
    "river",
    "clause",
    "budget",
    "hangar",
    "engine",
    "orchard",
    "ledger",
    "summit",
    "border",
    "cargo",
    "filter",
    "quarry",
    "parish",
    "velvet",
    "anchor",
    "ticket",
    "marble",
    "lantern",
]
TARGET = {"Ukraine": "ukraine", "Kyiv": "ukraine", "Japan": "japan"}


def scheme(**changes: Any) -> Scheme:
    """Three entity labels, four stances, two targets."""
    plain: dict[str, Any] = {"name": "story", "targets": {"ukraine": [], "japan": []}, "problems": []}
    return samples.scheme(**plain | changes)


@dataclass
class Article:
    """Text in chunks, with the labels that careful annotators give it."""

    number: int
    chunks: list[str] = field(default_factory=list)
    spans: list[list[tuple[int, int, str]]] = field(default_factory=list)
    stances: list[dict[str, str]] = field(default_factory=list)
    cluster: int | None = None

    @property
    def id(self) -> str:
        return digest("article", str(self.number))[:16]


def article(number: int, sentences: int = 4, cluster: int | None = None) -> Article:
    """An article of two chunks or more; equal numbers give equal articles."""
    made = Article(number, cluster=cluster)
    says = list(SAYS)
    for i in range(sentences):
        who = NAMES["PERSON"][(number + i) % 3]
        org = NAMES["ORG"][(number + 2 * i) % 3]
        gpe = NAMES["GPE"][(number * 2 + i) % 3]
        stance = says[(number + i) % 3]
        seed = digest("words", str(number), str(i))
        drawn = [_WORDS[int(seed[at : at + 2], 16) % len(_WORDS)] for at in range(0, 24, 2)]
        text = f"{' '.join(drawn[:6])}: {who} of {org} {SAYS[stance].format(gpe=gpe)} over {' '.join(drawn[6:])}."
        at = text.index(who)
        spans = [(at, at + len(who), "PERSON")]
        at = text.index(org)
        spans.append((at, at + len(org), "ORG"))
        at = -1
        while (at := text.find(gpe, at + 1)) >= 0:
            spans.append((at, at + len(gpe), "GPE"))
        made.chunks.append(text)
        made.spans.append(spans)
        made.stances.append({t: stance if t == TARGET[gpe] else "none" for t in ("ukraine", "japan")})
    return made


@dataclass
class Story:
    """Articles and what annotators said; `write` puts it where `builder export` looks for it.

    `dissent` maps (annotator, chunk id) to changes of that annotation: "spans", "stances", "state", "comment".
    """

    root: Path
    articles: list[Article]
    labels: Scheme = field(default_factory=scheme)
    dissent: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    skip_chunks: set[str] = field(default_factory=set)

    def config(self, **changes: Any) -> Config:
        """The configuration of this workspace."""
        paths = Paths(str(self.root / "raw"), str(self.root / "workspace"), str(self.root / "exports"))
        plain: dict[str, Any] = {
            "paths": paths,
            "dataset": Dataset(name="story", license="cc-by-4.0"),
            "labels": self.labels,
            "annotators": Annotators(kind="recorded", recorded="recorded"),
        }
        return Config(**plain | changes)

    def write(self) -> Config:
        """Writes the stages and a stub of the pull; returns the configuration."""
        config = self.config()
        rows: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("articles", "chunks", "annotations", "spans", "answers")
        }
        for made in self.articles:
            self._article(made, rows)
        prepare, validate = config.stage("prepare"), config.stage("validate")
        state = (sorted(self.dissent.items()), self.articles, self.labels, sorted(self.skip_chunks))
        mark = digest(*map(repr, state))
        with prepare.rewrite(digest("prepare", mark)):
            write_table(prepare.table("articles"), tables.build(rows["articles"], tables.ARTICLES))
            for name in ("chunks", "selected"):
                write_table(prepare.table(name), tables.build(rows["chunks"], tables.CHUNKS))
            write_table(prepare.table("rejects"), tables.build([], tables.REJECTS))
        with validate.rewrite(digest("validate", mark)):
            for name, schema in (
                ("annotations", tables.ANNOTATIONS),
                ("spans", tables.SPANS),
                ("answers", tables.ANSWERS),
            ):
                write_table(validate.table(name), tables.build(rows[name], schema))
            write_table(validate.table("issues"), tables.build([], tables.ISSUES))
            shown = [{name: row.get(name) for name in WINDOWS.names} for row in rows["chunks"]]
            write_table(validate.table("windows"), tables.build(shown, WINDOWS))
        write_json(validate.folder / "agreement.json", {"stance": {"krippendorff_alpha": 0.75}})
        pull = config.dataset_folder / "pulls" / PULL[:16] / "pull.json"
        write_json(pull, {"hash": PULL, "server_version": "1.23.2", "scheme_version": "story@1"})
        return config

    def _article(self, made: Article, rows: dict[str, list[dict[str, Any]]]) -> None:
        text = "\n\n".join(made.chunks)
        cluster = Article(made.cluster).id if made.cluster is not None else made.id
        rows["articles"].append(
            {
                "article_id": made.id,
                "source_path": f"{made.number}.txt",
                "record": 0,
                "raw_sha256": digest(text),
                "encoding": "utf-8",
                "text": text,
                "raw": text,
                "map": [{"start": 0, "end": len(text), "raw_start": 0, "raw_end": len(text)}],
                "published": DAY + timedelta(days=made.number),
                "cluster_id": cluster,
                "kept": True,
            }
        )
        start = 0
        for i, chunk in enumerate(made.chunks):
            chunk_id = digest("chunk", made.id, str(start), chunk)[:16]
            rows["chunks"].append(
                {
                    "chunk_id": chunk_id,
                    "article_id": made.id,
                    "ordinal": i,
                    "start": start,
                    "end": start + len(chunk),
                    "text": chunk,
                }
            )
            if chunk_id not in self.skip_chunks:
                for number in range(len(ANNOTATORS)):
                    self._annotation(made, i, chunk_id, start, number, rows)
            start += len(chunk) + 2

    def _annotation(
        self, made: Article, i: int, chunk_id: str, start: int, number: int, rows: dict[str, list[dict[str, Any]]]
    ) -> None:
        said = {
            "spans": made.spans[i],
            "stances": made.stances[i],
            "state": "labelled",
            "comment": None,
        } | self.dissent.get((number, chunk_id), {})
        keys = {
            "annotation_id": f"1:{made.number * 1000 + i * 10 + number}",
            "chunk_id": chunk_id,
            "article_id": made.id,
            "annotator": ANNOTATORS[number],
        }
        rows["annotations"].append(
            {
                **keys,
                "task_id": made.number * 100 + i,
                "project_id": 1,
                "state": said["state"],
                "prediction": "none",
                "ground_truth": False,
                "problems": [],
                "comment": said["comment"],
                "created": DAY,
                "updated": DAY + timedelta(minutes=made.number),
                "lead_time": 12.5,
                "scheme_version": "story@1",
                "pull": PULL,
                "quarantined": False,
            }
        )
        if said["state"] != "labelled":
            return
        for n, (a, b, label) in enumerate(said["spans"]):
            span = {
                "span_id": f"r{n}", "kind": "entity", "start": start + a, "end": start + b, "label": label,
                "text": made.chunks[i][a:b], "targets": [],
            }  # fmt: skip
            rows["spans"].append(keys | span)
        rows["answers"] += [keys | {"target": t, "label": label} for t, label in said["stances"].items()]

    def chunk_id(self, number: int, i: int) -> str:
        """Id of a chunk, by the number of its article and its place in it."""
        made = next(a for a in self.articles if a.number == number)
        start = sum(len(chunk) + 2 for chunk in made.chunks[:i])
        return digest("chunk", made.id, str(start), made.chunks[i])[:16]


def story(root: Path, articles: int = 12) -> Story:
    """A small story: articles of four chunks each, three annotators who agree but for one stance and one span."""
    told = Story(root, [article(number) for number in range(articles)])
    first, second = told.chunk_id(0, 0), told.chunk_id(1, 0)
    told.dissent[0, first] = {"stances": {"ukraine": "neutral", "japan": "none"}}
    told.dissent[1, second] = {"spans": told.articles[1].spans[0][:-1]}
    return told
