"""The annotation of a configuration: what people are asked, what goes to an expert, what goes back to annotators."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builder import pipeline, tables
from builder.config import Config
from builder.errors import ConfigError, SourceError
from builder.quality.known_answers import known_by_chunk, number_due, read_known_answers, spread_among
from builder.quality.review_cases import review_cases
from builder.quality.votes import reviewed_chunks, voting_unreviewed
from builder.questions.decode import pseudonym
from builder.stage import Progress, Stage, in_use, silent
from builder.store import write_table, write_text
from builder.studio.campaign import open_server
from builder.studio.pulls import tasks_by_chunk
from builder.studio.push import Pushed, PushedProject, push
from builder.studio.review import Reopened, reopen, send_review

#: What a task, a suggestion or a reject says of an article.
_SHOWN = ["article_id", "source_path", "record", "title", "published", "source", "targets"]
#: What chunks are reopened for, but for a file that names them.
REASONS = ("missing", "quarantined", "all")
_EXAMPLE = (
    "On Monday ministers of two countries met to discuss an agreement. “We will sign it this year,” said the first. "
    "The other asked for time, and called the plan a risk.\n\nCritics said that nobody had asked them."
)


def pushed(config: Config, progress: Progress = silent, *, dry_run: bool = False) -> Pushed:
    """Every selected chunk, and every gold question that is due, is a task in Label Studio, or a row of rejects."""
    stage = pipeline.prepared(config, progress)
    chunks, known = _asked(config, stage)
    wanted = _is_one_of("article_id", {chunk["article_id"] for chunk in chunks})
    chunks_of = Counter(stage.table("chunks", tables.CHUNKS, ["article_id"], wanted)["article_id"].to_pylist())
    shown = stage.table("articles", tables.ARTICLES, _SHOWN, wanted).to_pylist()
    articles = [{**article, "chunks": chunks_of[article["article_id"]]} for article in shown]
    made = push(pipeline.campaign(config), chunks, articles, known, dry_run=dry_run, progress=progress)
    if not dry_run:
        write_table(config.dataset_folder / "push-rejects.parquet", tables.build(made.rejects, tables.REJECTS))
    return made


def _asked(config: Config, stage: Stage) -> tuple[list[Mapping[str, Any]], frozenset[str]]:
    """The selected chunks with gold questions among them, and the chunk ids of the gold questions."""
    selected = stage.table("selected", tables.CHUNKS).to_pylist()
    if not config.quality.questions:
        return selected, frozenset()
    table = stage.table("chunks", tables.CHUNKS, ["chunk_id", "article_id", "start", "end"])
    known = known_by_chunk(read_known_answers(Path(config.quality.questions), config.labels), table)
    if not known:
        raise SourceError(
            f"No gold question in {config.quality.questions} matches a chunk.",
            "After changing the chunking, update article_id, start and end.",
        )
    others = sum(chunk["chunk_id"] not in known for chunk in selected)
    due = frozenset(list(known)[: number_due(others, config.quality.question_rate)])
    rest = [chunk for chunk in selected if chunk["chunk_id"] not in due]
    questions = stage.table("chunks", tables.CHUNKS, rows=_is_one_of("chunk_id", due))
    return spread_among(rest, questions.to_pylist()), due


def _is_one_of(column: str, values: Collection[str]) -> pc.Expression:
    """For which rows a column has one of these values; a list without any would have no type."""
    return pc.field(column).isin(pa.array(values, pa.string()))


@dataclass(frozen=True)
class Review:
    """Chunks that are open, how many an expert decided, and what was sent to the review project."""

    open: list[str]
    decided: int
    sent: PushedProject | None = None


def reviewed(config: Config, progress: Progress, *, dry_run: bool) -> Review:
    """What annotators could not settle is in front of an expert."""
    checked, gold = pipeline.checked(config, progress), pipeline.gold(config, progress)
    annotations = checked.table("annotations", tables.ANNOTATIONS)
    cases = review_cases(
        annotations,
        checked.table("spans", tables.SPANS),
        checked.table("answers", tables.ANSWERS),
        checked.table("issues", tables.ISSUES),
        gold.table("gold_spans", tables.GOLD_SPANS),
        gold.table("gold_answers", tables.GOLD_ANSWERS),
        checked.table("windows", tables.WINDOWS),
        config.labels,
    )
    sent = None
    if cases and not dry_run:
        tasks = tasks_by_chunk(pipeline.chosen_pull(config).folder)
        sent = send_review(pipeline.campaign(config), cases, tasks, progress=progress)
    return Review([case.chunk_id for case in cases], len(reviewed_chunks(annotations)), sent)


def reopened(config: Config, which: str, progress: Progress, *, dry_run: bool) -> Reopened:
    """The chunks of one of `REASONS`, or those that a file names, are back with their annotators."""
    if which not in REASONS and not Path(which).is_file():
        hint = f"Give {', '.join(REASONS)}, or a file."
        raise ConfigError(f"{which} is no reason to reopen chunks, and no file.", hint)
    checked, found = pipeline.checked(config, progress), pipeline.chosen_pull(config)
    table = voting_unreviewed(checked.table("annotations", tables.ANNOTATIONS), quarantined=True)
    if which == "missing":
        issues = checked.table("issues", tables.ISSUES)
        lacking = issues.filter(pc.equal(issues["check"], "missing-answer"))["annotation_id"]
        table = table.filter(pc.is_in(table["annotation_id"], lacking.combine_chunks()))
    elif which == "quarantined":
        table = table.filter(table["quarantined"])
    elif which != "all":
        chunks = pa.array(Path(which).read_text(encoding="utf-8").split(), pa.string())
        table = table.filter(pc.is_in(table["chunk_id"], chunks))
    campaign = pipeline.campaign(config)
    names = {pseudonym(found.key, person.email, found.given): person.name for person in campaign.people}
    chosen: dict[str, list[str]] = {}
    for annotation, annotator in tables.rows_of(table, "annotation_id", "annotator"):
        chosen.setdefault(names.get(annotator, ""), []).append(annotation)
    return reopen(campaign, found.folder, chosen, dry_run=dry_run, progress=progress)


def previewed(config: Config, progress: Progress) -> str:
    """Where the page of the label scheme is: it shows an example on the server, in the dataset `<dataset>-preview`."""
    other = replace(config, dataset=replace(config.dataset, name=f"{config.dataset.name[:80]}-preview"))
    raw = other.dataset_folder / "example"
    article = {"title": "An example", "text": _EXAMPLE, "targets": ["first country", "second country"]}
    write_text(raw / "example.json", json.dumps(article))
    other.paths = replace(config.paths, raw=str(raw))
    other.selection, other.suggestions, other.source = Config().selection, Config().suggestions, Config().source
    other.quality = replace(config.quality, questions="")
    other.annotators = replace(config.annotators, kind="human", layout="shared")
    with in_use(other.dataset_folder), open_server(pipeline.campaign(other), progress, keep=True):
        return pushed(other, progress).projects[0].url
