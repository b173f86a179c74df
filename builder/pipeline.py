"""The stages of a configuration: each asks for the stages that it is made from.

    release <- gold <- checked <- prepared, pull

The order of commands does not matter: what is missing is made. The rooms say how each result is made; `stage.py` sees
to it that each is made once and never mixed up with another.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.config import Config
from builder.errors import ConfigError, SourceError, StoreError
from builder.languages import language_code
from builder.pseudonyms import quality_of
from builder.stage import Progress, Stage, Stages, code_digest, exclusive, settings_digests, silent
from builder.store import canonical, digest, file_digest, write_json, write_table

if TYPE_CHECKING:
    from builder.corpus.inventory import Inventory
    from builder.studio.campaign import Campaign
    from builder.studio.pull_records import PullRecord
    from builder.studio.settings import Annotators

#: Stages in the order in which they are made.
NAMES = ("prepare", "validate", "adjudicate")
#: Libraries whose version decides what a stage gives.
_READING = (
    "chardet", "dateparser", "langcodes", "lxml", "py3langid", "pyarrow", "rensa", "sentencex", "tokenizers",
    "trafilatura",
)  # fmt: skip
_COUNTING = ("numpy", "pyarrow")


def stages(config: Config) -> Stages:
    """The remembered stages of the dataset."""
    return Stages(config.dataset_folder)


@dataclass(frozen=True)
class Given:
    """An input that is no stage: a fingerprint of what decides the result, and all that is needed to read it."""

    fingerprint: str
    value: Any = None


@dataclass(frozen=True)
class KeptPull:
    """A kept pull as an input: its hash covers tasks and people; the key makes their pseudonyms."""

    folder: Path
    hash: str
    key: bytes = field(repr=False)
    #: Pseudonyms that people were given, by address.
    given: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        return digest(self.hash, self.key, canonical(self.given))

    @property
    def record(self) -> "PullRecord":
        """Its pull.json; raises `StoreError` when it is damaged."""
        from builder.studio.pull_records import record_of

        return record_of(self.folder)

    @property
    def emails(self) -> dict[int, str]:
        """User id -> e-mail address of everybody whose work is in it; raises `StoreError` when they are damaged."""
        from builder.studio.pull_records import emails_of

        return emails_of(self.folder)


def prepared(config: Config, progress: Progress = silent) -> Stage:
    """Tables articles, chunks, selected and rejects of the raw articles. Raises `SourceError` without any."""
    from builder.corpus.inventory import inventory
    from builder.corpus.records import UNREADABLE
    from builder.engine import Runner

    folder = config.dataset_folder
    folder.mkdir(parents=True, exist_ok=True)
    config.workspace.chmod(0o700)
    # Shards are read into parts that later runs take up again, so one run at a time works on them.
    with exclusive(folder / "locks" / "parts", "prepare", progress), Runner(config.engine) as runner:
        found = inventory(config.paths.raw, config.source, folder / "inventory.parquet", runner.run, progress)
        return stages(config).get(
            "prepare",
            _prepare,
            inputs={
                "raw": Given(found.fingerprint, (found, config, runner)),
                "tokenizer": _named(config.chunking.tokenizer),
            },
            settings=settings_of(config, "prepare"),
            rooms=("corpus",),
            libraries=_READING,
            progress=progress,
            # What could not be read may be readable now.
            again=lambda stage: UNREADABLE in stage.summary["rejected"],
        )


def chunk_changes(before: Stage, now: Stage) -> tuple[int, int]:
    """How many chunks of a stage `prepare` an earlier one did not have, and how many only that one has."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    old, new = (
        pq.read_table(s.table_path("chunks"), columns=["chunk_id"])["chunk_id"].combine_chunks() for s in (before, now)
    )
    kept = pc.sum(pc.is_in(new, value_set=old)).as_py() or 0
    return len(new) - kept, len(old) - kept


def _named(name: str) -> Given:
    """The file that a setting names. An empty name is no file."""
    path = Path(name)
    return Given(file_digest(path) if name and path.is_file() else "", path if name else None)


def _overlaps(annotators: "Annotators") -> Given:
    """How many annotators chunks should have, where some have another overlap."""
    return Given(
        digest(*(f"{name} {n} {_named(name).fingerprint}" for name, n in annotators.overlaps.items())), annotators
    )


def settings_of(config: Config, name: str) -> dict[str, Any]:
    """The settings that a stage reads, by group."""
    if name == "validate":
        return {"labels": config.labels, "quality": quality_of(config), "overlap": config.annotators.overlap}
    if name == "adjudicate":
        return {"aggregation": config.aggregation, "quality": quality_of(config)}
    groups = ("cleaning", "dedup", "chunking", "selection")
    return {group: getattr(config, group) for group in groups} | {
        "source": reading(config.source),
        "language": language_code(config.dataset.language),
        "keywords": keywords(config),
    }


def changed(config: Config, stage: Stage) -> list[str]:
    """The groups of settings in which a stage differs from the configuration at hand."""
    now = settings_digests(settings_of(config, stage.name))
    return sorted(key for key, value in now.items() if stage.made_from.get(f"settings {key}") != value)


def keywords(config: Config) -> list[str]:
    """The words that chunks are selected by: those of the setting, or all names of the scheme's targets."""
    if config.selection.method != "keywords":
        return []
    targets = [target for question in config.labels.questions.values() for target in question.targets.values()]
    found = config.selection.keywords or [alias for target in targets for alias in target.aliases]
    if not found:
        raise ConfigError(
            "selection.method is 'keywords', but the label scheme's targets have no aliases.", "Set selection.keywords."
        )
    return list(found)


def reading(source: Any) -> dict[str, Any]:
    """The settings of the source that decide how files are read: not which, nor how they are reached."""
    reached_by = ("include", "exclude", "shard_mb", "follow_links", "storage_options")
    return {name: value for name, value in asdict(source).items() if name not in reached_by}


def raw_opener(config: Config) -> Callable[[str], bytes | None]:
    """Reads a raw file by the `source_path` of its articles, decompressed; None where it is gone."""
    from builder.corpus import files, streams

    try:
        known = {file.path: file.address for file in files.list_files(config.paths.raw, config.source)[0]}
    except SourceError:
        known = {}

    def read(path: str) -> bytes | None:
        if path not in known:
            return None
        with streams.open_stream(known[path], config.source.storage_options) as stream:
            return stream.read()

    return read


def chosen_pull(config: Config) -> KeptPull:
    """The pull that `dataset.pull` names, or the latest; raises `StoreError` when there is none or it is damaged."""
    from builder.studio.people import pseudonyms_of
    from builder.studio.pull_records import latest, named, read_key, verify_pull

    pulls, name = config.dataset_folder / "pulls", config.dataset.pull
    found = named(pulls, name) if name else latest(pulls)
    if found is None:
        raise StoreError("Nothing was pulled yet.", "Run `builder pull` first.")
    folder, record = found
    verify_pull(folder)
    key = read_key(config.workspace / "pseudonyms.key")
    return KeptPull(folder, record["hash"], key, pseudonyms_of(config.annotators))


def checked(config: Config, progress: Progress = silent) -> Stage:
    """Tables annotations, spans, answers, issues and windows of the latest pull, and agreement.json."""
    pull = chosen_pull(config)
    return stages(config).get(
        "validate",
        _validate,
        inputs={
            "articles": prepared(config, progress).only("articles", "chunks"),
            "pull": pull,
            "questions": _named(config.quality.questions),
            "overlaps": _overlaps(config.annotators),
        },
        settings=settings_of(config, "validate"),
        rooms=("questions", "quality"),
        libraries=_COUNTING,
        progress=progress,
    )


def gold(config: Config, progress: Progress = silent) -> Stage:
    """Tables gold_spans and gold_answers of the latest pull."""
    return stages(config).get(
        "adjudicate",
        _adjudicate,
        inputs={"checked": checked(config, progress).only("annotations", "spans", "answers", "windows", "agreement")},
        settings=settings_of(config, "adjudicate"),
        rooms=("quality",),
        libraries=_COUNTING,
        progress=progress,
    )


def gates(*found: Stage) -> str:
    """The gates that do not hold in these stages, in one sentence; empty when all hold."""
    from builder.quality.gates import Verdict, failed

    return failed([Verdict(**verdict) for stage in found for verdict in stage.summary["gates"]])


def _prepare(folder: Path, inputs: Mapping[str, Any], settings: Mapping[str, Any], progress: Progress) -> Any:
    from builder.corpus.parts import storage_at
    from builder.corpus.prepare import prepare
    from builder.corpus.settings import CorpusSettings

    found: Inventory
    config: Config
    found, config, runner = inputs["raw"].value
    storage = storage_at(config.engine.storage or config.paths.workspace) / config.dataset.name
    groups = {n: settings[n] for n in ("cleaning", "dedup", "chunking", "selection", "language")}
    source = replace(config.source, languages=config.source.languages or [settings["language"]])
    given = CorpusSettings(source=source, keywords=tuple(settings["keywords"]), **groups)
    return asdict(prepare(found, folder, storage / "parts", given, code_digest("corpus"), runner.run, progress))


def _validate(folder: Path, inputs: Mapping[str, Any], settings: Mapping[str, Any], progress: Progress) -> Any:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from builder.quality.anchoring import anchored
    from builder.quality.checks.inputs import CheckInputs
    from builder.quality.known_answers import read_known_answers
    from builder.quality.validate import validate
    from builder.questions import controls
    from builder.questions.decode import decode
    from builder.studio.planning import overlaps_of
    from builder.studio.projects import owner_of
    from builder.tables import rows_of

    pull: KeptPull = inputs["pull"]
    scheme = settings["labels"]
    progress("validate", 0, None)
    users, projects = pull.emails, pull.record["projects"]
    owners = {found["id"]: found["email"] for found in projects.values() if "email" in found}
    asked = {found["id"]: found["asked"] for found in projects.values() if "asked" in found}
    former = {found["id"]: owner_of(slot) for slot, found in projects.items() if owner_of(slot)}
    decoded = decode(pull.folder / "tasks.jsonl", users, pull.key, scheme, pull.hash, owners, asked, pull.given, former)
    wanted = pc.field("article_id").isin(decoded.windows["article_id"].unique())
    columns = ["article_id", "cluster_id", "text"]
    rows = pq.read_table(inputs["articles"].table_path("articles"), columns=columns, filters=wanted).to_pylist()
    chunks = pq.read_table(inputs["articles"].table_path("chunks"), columns=["chunk_id", "start"], filters=wanted)
    texts = {row["article_id"]: row["text"] for row in rows}
    decoded = anchored(decoded, dict(rows_of(chunks, "chunk_id", "start")), texts)
    tables = (decoded.annotations, decoded.spans, decoded.answers, decoded.windows)
    overlaps = overlaps_of(inputs["overlaps"].value, decoded.windows["chunk_id"].to_pylist())
    named = inputs["questions"].value
    found = validate(
        CheckInputs(
            *tables, scheme, settings["quality"],
            clusters={row["article_id"]: row["cluster_id"] or row["article_id"] for row in rows},
            article_texts=texts,
            controls=controls(scheme),
        ),
        decoded.issues,
        read_known_answers(named, scheme) if named else {},
        settings["overlap"],
        {chunk: n for chunk, n in overlaps.items() if n != settings["overlap"]},
    )  # fmt: skip
    for name, table in found.tables.items():
        write_table(folder / f"{name}.parquet", table)
    write_json(folder / "agreement.json", asdict(found.agreement))
    return {"pull": pull.hash, **asdict(found.summary)}


def _adjudicate(folder: Path, inputs: Mapping[str, Any], settings: Mapping[str, Any], progress: Progress) -> Any:
    from builder.quality.adjudication import adjudicate
    from builder.tables import ANNOTATIONS, ANSWERS, SPANS, WINDOWS

    progress("adjudicate", 0, None)
    made: Stage = inputs["checked"]
    scores = made.json("agreement")["known_answers"]
    found = adjudicate(
        made.table("annotations", ANNOTATIONS),
        made.table("spans", SPANS),
        made.table("answers", ANSWERS),
        made.table("windows", WINDOWS),
        settings["aggregation"],
        settings["quality"],
        {name: score["accuracy"] for name, score in scores.items() if score["accuracy"] is not None},
    )
    write_table(folder / "gold_spans.parquet", found.gold_spans)
    write_table(folder / "gold_answers.parquet", found.gold_answers)
    return asdict(found.summary)


def campaign(config: Config) -> "Campaign":
    """What the room of Label Studio needs to know of a configuration."""
    from builder.studio.campaign import Campaign

    return Campaign(
        dataset=config.dataset.name,
        folder=config.dataset_folder,
        workspace=config.workspace,
        scheme=config.labels,
        annotators=config.annotators,
        server=config.label_studio,
        suggestions=config.suggestions,
        description=config.dataset.description,
        selection=config.selection.method,
    )
