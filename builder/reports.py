"""The report of a configuration: what its stages, pulls and releases say, on one page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import pipeline
from builder.config import Config
from builder.errors import BuilderError, ReleaseError, StoreError
from builder.pseudonyms import accounts_of, quality_of
from builder.stage import Progress, Stage, silent
from builder.store import write_text

if TYPE_CHECKING:
    import pyarrow as pa

    from builder.quality.agreement import AgreementReport
    from builder.release.manifest import Exported, Manifest
    from builder.reporting.facts import Facts
    from builder.reporting.progress import ProgressSection
    from builder.studio.pull_records import PullRecord


@dataclass(frozen=True)
class WrittenReport:
    """Where the page is, its size, and why it shows less than the configuration asks for."""

    file: Path
    bytes: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """All that a configuration has: the stages that there are, and None is no pull. The oldest release is first.

    `pull` is the folder of the pull and `record` its pull.json. `notes` say what could not be made, and why.
    """

    stages: Mapping[str, Stage]
    pull: Path | None
    record: "PullRecord | None"
    releases: tuple["Exported", ...]
    notes: tuple[str, ...]


def report_file(config: Config) -> Path:
    """Where the page is written."""
    return Path(config.report.output) if config.report.output else config.dataset_folder / "report.html"


def write_report(config: Config, progress: Progress = silent) -> WrittenReport:
    """The page is written. Raises `ReleaseError` for a public page without a release that has one."""
    notes: tuple[str, ...] = ()
    if config.report.public:
        text = _released_page(config)
    else:
        known = known_of(config, progress)
        progress("report", 0, None)
        text, notes = internal_page(config, known), known.notes
    file = report_file(config)
    write_text(file, text)
    return WrittenReport(file, len(text.encode()), notes)


def _released_page(config: Config) -> str:
    from builder.release.manifest import REPORT, find_release

    root = find_release(config.release_folder, "latest")
    if not (root / REPORT).is_file():
        raise ReleaseError(f"{root} has no {REPORT}: an earlier version of the builder made it.", "Make a new release.")
    return (root / REPORT).read_text("utf-8")


def known_of(config: Config, progress: Progress = silent, *, make: bool = True) -> Known:
    """What the configuration has, its stages made where they can be. What cannot be made is a note, and no error.

    Without `make` it is what was made last.
    """
    from builder.release import manifest
    from builder.studio.pull_records import latest, record_of

    notes: dict[str, list[str]] = {}
    there = config.dataset.pull or (config.dataset_folder / "pulls" / "latest.json").exists()
    makers: dict[str, Callable[[Config, Progress], Stage]] = {"prepare": pipeline.prepared}
    makers |= {"validate": pipeline.checked, "adjudicate": pipeline.gold} if there else {}
    stages: dict[str, Stage] = {}
    for name, stage in makers.items():
        try:
            found = stage(config, progress) if make else pipeline.stages(config).latest(name)
        except BuilderError as e:
            found = pipeline.stages(config).latest(name)
            notes.setdefault(str(e), []).extend([name] if found else [])
        stages |= {name: found} if found else {}
    pull = None
    if "validate" in stages:
        # The pull of the annotations that are shown, which need not be the latest.
        pull = config.dataset_folder / "pulls" / stages["validate"].summary["pull"][:16]
    elif there:
        pull = (latest(config.dataset_folder / "pulls") or (None,))[0]
    done: list[Exported] = []
    try:
        done = [manifest.Exported(root, manifest.read(root)) for _, root in manifest.releases(config.release_folder)]
    except ReleaseError as e:
        notes[str(e)] = []
    shown = tuple(
        f"{why} The last result of {' and '.join(names)} is shown." if names else why for why, names in notes.items()
    )
    record = record_of(pull) if pull and pull.exists() else None
    return Known(stages, pull, record, tuple(done), shown)


def internal_page(config: Config, known: Known) -> str:
    """The page for those who run the annotation: it has names and texts."""
    from builder.reporting.page import About, page

    facts = []
    if known.record:
        when = known.record.get("finished")
        facts.append(("Pull", f"{known.record['hash'][:16]}{f', of {_time(when)}' if when else ''}"))
    if known.releases:
        facts.append(("Latest release", f"v{known.releases[-1].manifest.version}"))
    facts.append(("Labels", f"{config.labels.name}, version {config.labels.version}"))
    about = About(config.dataset.name, datetime.now(UTC), facts, known.notes)
    return page(about, _sections(config, known))


def public_page(config: Config, made: Mapping[str, Stage], root: Path, manifest: "Manifest") -> str:
    """The page of a release: no name, and no text that the release does not hold. `made` are its stages.

    It depends on nothing but these and the settings in the manifest, so it is the same when the release is made again.
    """
    from builder.release.manifest import Exported
    from builder.reporting.page import About, page

    facts = [("Version", manifest.version), ("Pull", manifest.pull.hash[:16]), ("Licence", config.dataset.license)]
    known = Known(made, None, None, (Exported(root, manifest),), ())
    return page(About(manifest.name, None, facts, (), True), _sections(config, known, public=True))


def _sections(config: Config, known: Known, public: bool = False) -> dict[str, Any]:
    from builder.release.provenance import earlier_splits
    from builder.reporting.agreement import agreement_section
    from builder.reporting.corpus import corpus_section
    from builder.reporting.disagreements import disagreement_section
    from builder.reporting.gold import gold_section
    from builder.reporting.release import release_section

    facts = _facts(config, known, public)
    last = known.releases[-1] if known.releases else None
    released = earlier_splits([last.folder]) if public and last else None
    return {
        "progress": _progress(config, known, facts),
        "agreement": agreement_section(facts),
        "disagreements": disagreement_section(facts, pipeline.campaign(config).task_link),
        "gold": gold_section(facts),
        "corpus": corpus_section(facts, config.selection.method, released, config.export.metadata),
        "release": release_section(
            last.manifest if last else None, [f"v{one.manifest.version}" for one in known.releases]
        ),
    }


def _facts(config: Config, known: Known, public: bool = False) -> "Facts":
    """What the sections are made from; tables are read when they are asked for.

    A public page says nothing of people and times that the latest release does not hold.
    """
    from builder import tables
    from builder.reporting.corpus import COLUMNS
    from builder.reporting.facts import Facts

    homes = dict.fromkeys(COLUMNS, "prepare") | dict.fromkeys(("gold_spans", "gold_answers"), "adjudicate")

    @cache
    def table(name: str) -> "pa.Table | None":
        home = homes.get(name, "validate")
        schema = getattr(tables, name.upper()) if home == "validate" else None
        return known.stages[home].table(name, schema, COLUMNS.get(name)) if home in known.stages else None

    return Facts(
        config.labels,
        table,
        quality_of(config),
        _agreement_report(known.stages["validate"]) if "validate" in known.stages else None,
        {name: stage.summary for name, stage in known.stages.items()},
        accounts_of(config, known.pull) if known.pull else {},
        public,
        not public or "annotations" in known.releases[-1].manifest.configs,
    )


def _time(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _progress(config: Config, known: Known, facts: "Facts") -> "ProgressSection":
    from builder.reporting.progress import progress_section
    from builder.reporting.settings import Report
    from builder.studio.people import people_of
    from builder.studio.planning import overlaps_of

    windows = facts.table("windows")
    if windows is None or known.pull is None or known.record is None:
        # How many people were wanted, and from when on somebody is away, is no part of a release.
        return progress_section(facts, idle=Report().idle)
    again = config.annotators.after_skip == "another"
    return progress_section(
        facts,
        idle=config.report.idle,
        overlap=config.annotators.overlap,
        overlaps=overlaps_of(config.annotators, windows["chunk_id"].to_pylist()),
        everybody=len(people_of(config.annotators)) if again else 0,
        reopened=_reopened(known.pull, known.record),
        today=datetime.fromisoformat(known.record["finished"]).date() if "finished" in known.record else None,
    )


def _agreement_report(validate: Stage) -> "AgreementReport":
    import msgspec

    from builder.quality.agreement import AgreementReport

    try:
        return msgspec.convert(validate.json("agreement"), AgreementReport)
    except msgspec.ValidationError as e:
        path = validate.folder / "agreement.json"
        raise StoreError(f"{path} was written by another version of the builder.", "Run `builder validate`.") from e


def facts_in_words(config: Config) -> dict[str, list[str]]:
    """What the page says in numbers, in a few lines by subject, of the stages that were made last."""
    found: dict[str, list[str]] = {}
    try:
        known = known_of(config, make=False)
        summaries = {name: stage.summary for name, stage in known.stages.items()}
        if checked := summaries.get("validate"):
            # Only now: the status of a fresh workspace imports nothing heavy.
            from builder.reporting.agreement import agreement_in_words
            from builder.reporting.progress import progress_in_words

            facts = _facts(config, known)
            found["progress"] = progress_in_words(_progress(config, known, facts))
            found["agreement"] = agreement_in_words(facts.agreement) if facts.agreement else []
            counted = [f"{each['check']} {each['count']:,}" for each in checked["issues"] if each["severity"] != "info"]
            found["checks"] = [", ".join(counted[:6]) + (" ..." if len(counted) > 6 else "")] if counted else []
            gates = [gate for summary in summaries.values() for gate in summary.get("gates", ())]
            found["gates"] = [f"{gate['gate']}: {gate['message']}" for gate in gates if not gate["holds"]]
        for table in ("gold_answers", "gold_spans") if "adjudicate" in summaries else ():
            counts = ", ".join(f"{n:,} {status}" for status, n in summaries["adjudicate"][table].items() if n)
            found.setdefault("gold", []).append(f"{table.removeprefix('gold_')}: {counts or 'none'}")
        if known.releases:
            from builder.release.diff import lines

            found["changes"] = [line.strip() for line in lines(known.releases[-1].manifest.changes)[:3]]
    except BuilderError as e:
        found["not known"] = [str(e)]
    file = report_file(config)
    found["report"] = [str(file) if file.exists() else "none: builder report"]
    return {name: said for name, said in found.items() if said}


def _reopened(pull: Path, record: "PullRecord") -> set[str]:
    """The chunks of a pull that went back to an annotator and have no new answer."""
    from builder.studio.projects import AGAIN
    from builder.studio.pulls import EarlierPull

    again = {project["id"] for slot, project in record["projects"].items() if slot.startswith(AGAIN)}
    lines = EarlierPull(pull).lines() if again else ()
    return {line.task.chunk_id for line in lines if line.task.project in again and not line.task.annotations}
