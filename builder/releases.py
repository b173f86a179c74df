"""Releases of a configuration: made from its stages, made again, traced to the stages they came from."""

import csv
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import pipeline, reports
from builder.config import Config
from builder.errors import ConfigError, GateError, ReleaseError, StoreError
from builder.pseudonyms import quality_of
from builder.questions import plain, scheme_from
from builder.settings import fields_of, public
from builder.stage import Progress, Stage, code_digest, exclusive, remove, silent
from builder.store import digest, file_digest, read_json, write_json, write_text

if TYPE_CHECKING:
    from builder.release.manifest import Exported, Manifest
    from builder.release.trace import Trace

#: Groups of the configuration that decide what a release holds, in the order of its manifest.
GROUPS = (
    "dataset", "labels", "source", "cleaning", "dedup", "chunking", "selection", "quality", "aggregation", "split",
    "export",
)  # fmt: skip


def released(config: Config, progress: Progress = silent, *, hold_gates: bool = True) -> "Exported":
    """The release of the configuration: a new version, or the last one when nothing changed.

    Raises `GateError` below a quality gate, unless `export.below_gates` says to release all the same.
    """
    from builder.release import manifest
    from builder.release.build import Sources
    from builder.release.export import export

    config = replace(config, quality=quality_of(config))
    made = {"prepare": pipeline.prepared(config, progress)}
    made |= {"validate": pipeline.checked(config, progress), "adjudicate": pipeline.gold(config, progress)}
    below = pipeline.gates(made["validate"], made["adjudicate"])
    if below and hold_gates and not config.export.below_gates:
        raise GateError(
            f"Below the quality gates: {below}.",
            "Run `builder review`, change quality.gates, or release it with that on the card: export.below_gates=true.",
        )
    noted, folder = to_note(config), config.release_folder
    # One export of a dataset at a time, so that each sees the version before its own.
    with exclusive(config.dataset_folder / "locks" / f"export-{folder.name}", "export", progress):

        def remembered() -> Path:
            """The note that an export of exactly this, on top of the latest version, was made."""
            files = [path / "manifest.json" for _, path in manifest.releases(folder)[-1:]]
            files.append(Path(config.dataset.self_descriptions or "-"))
            parts = (manifest.encode(noted), config.annotators.kind, code_digest("release", "reporting"), below)
            stages = (stage.fingerprint for stage in made.values())
            key = digest(*parts, *stages, *(file_digest(path) for path in files if path.is_file()))
            return config.dataset_folder / "exported" / f"{key[:16]}.json"

        if remembered().exists():
            root = manifest.releases(folder)[-1][1]
            return manifest.Exported(root, manifest.read(root))
        pull = pipeline.chosen_pull(config)
        sources = Sources(
            tables=table_paths(made),
            scheme=config.labels,
            settings=config.export,
            split=config.split,
            configuration=public_sections(config),
            pull=pull.record,
            agreement=made["validate"].json("agreement"),
            below_gates=below,
            chosen=made["adjudicate"].summary["chosen"],
            stages={name: stage.key for name, stage in made.items()},
            recorded=config.annotators.kind == "recorded",
            experts=config.aggregation.experts,
            said=_self_descriptions(config.dataset.self_descriptions, pull),
            report=lambda root, about: reports.public_page(config, made, root, about),
        )
        found = export(sources, folder.parent, config.dataset_folder / "scratch", progress)
        write_json(remembered(), {"version": found.folder.name})
        if found.new:
            # The manifest lacks private settings, and a rebuild must not ask for them. Mappings keep their order.
            write_text(_note(config.dataset_folder, found.folder), manifest.encode(noted))
    return found


def _self_descriptions(path: str, pull: pipeline.KeptPull) -> dict[str, dict[str, str]]:
    """What annotators said about themselves, by pseudonym; raises `ConfigError` when the file cannot be used."""
    from builder.questions.decode import pseudonym
    from builder.release.provenance import OWN

    if not path:
        return {}
    known = {email.strip().lower() for email in pull.emails.values()}
    found: dict[str, dict[str, str]] = {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            columns = [name.strip() for name in next(rows, [])]
            if columns.count("email") != 1 or len({*columns, *OWN} - {""}) < len(columns) + len(OWN):
                raise ValueError(f"line 1 needs `email`, and other names than {', '.join(OWN)}, each once")
            for row in filter(any, rows):
                said = dict(zip(columns, map(str.strip, row), strict=True))
                email = said.pop("email").lower()
                if email not in known:
                    raise ValueError(f"line {rows.line_num} has an address that no account of the pull has")
                if (name := pseudonym(pull.key, email, pull.given)) in found:
                    raise ValueError(f"line {rows.line_num} describes somebody a second time")
                found[name] = {column: value for column, value in said.items() if value}
    except (OSError, ValueError, csv.Error) as e:
        reason = f"line {rows.line_num} has another number of cells than line 1" if "zip()" in str(e) else e
        raise ConfigError(
            f"dataset.self_descriptions names {path}, which cannot be used: {reason}.",
            "Name a CSV file in UTF-8 with the column `email`, a row per person and a column per description.",
        ) from e
    return found


def _note(dataset_folder: Path, release: Path) -> Path:
    return dataset_folder / "exported" / f"{release.parent.name}-{release.name}.json"


def public_sections(config: Config) -> dict[str, Any]:
    """What a release says of the groups that decide what it holds."""
    return {name: plain(config.labels) if name == "labels" else public(getattr(config, name)) for name in GROUPS}


def to_note(config: Config) -> dict[str, Any]:
    """The same groups with all settings but secret ones."""
    groups = {name: getattr(config, name) for name in GROUPS if name != "labels"}
    return {"labels": plain(config.labels)} | {
        name: {key: value for key, value in asdict(group).items() if not fields_of(group.__class__)[key].secret}
        for name, group in groups.items()
    }


def table_paths(made: Mapping[str, Stage]) -> dict[str, Path]:
    """The stage tables that a release is made from, each compared with its digest."""
    from builder.release.passages import STAGES

    return {table: made[stage].table_path(table) for table, stage in STAGES.items()}


def tables_of(config: Config, keys: Mapping[str, str]) -> dict[str, Path]:
    """The tables of the stages with these keys, as a manifest names them; raises `StoreError` when one is gone."""
    made = {name: pipeline.stages(config).find(name, keys.get(name, "")) for name in pipeline.NAMES}
    if gone := [name for name, stage in made.items() if stage is None]:
        raise StoreError(
            f"The stage {gone[0]} that the release was made from is not in {config.dataset_folder}.",
            "Run `builder export` in the workspace it was made in, with the same settings and code.",
        )
    return table_paths({name: stage for name, stage in made.items() if stage})


def rebuild(config: Config, root: Path, manifest: "Manifest", there: Path, progress: Progress) -> Path:
    """The release made again in a workspace and an exports folder of its own, from what the workspace keeps."""
    from packaging.version import Version

    from builder.release.manifest import releases

    again = _as_released(config, manifest, there)
    key, pulls = config.workspace / "pseudonyms.key", again.dataset_folder / "pulls"
    pull = config.workspace / again.dataset.name / "pulls" / manifest.pull.hash[:16]
    for needed in (key, pull / "tasks.jsonl"):
        if not needed.exists():
            raise ReleaseError(
                f"{needed} is missing, so the release cannot be rebuilt.",
                "Restore the workspace it was made in, or check hashes alone with --hashes-only.",
            )
    # The releases before this one decided splits and label ids; a copy elsewhere has them where they were made.
    home = root.parent if root.name == f"v{manifest.version}" else Path(config.paths.exports) / manifest.name
    before = [path for version, path in releases(home) if version < Version(manifest.version)]
    if manifest.previous and not any(path.name == f"v{manifest.previous}" for path in before):
        raise ReleaseError(
            f"v{manifest.previous}, on which {root.name} builds, is missing.", f"Put it back into {home}."
        )
    pulls.mkdir(parents=True)
    shutil.copy(key, again.workspace / key.name)
    (pulls / pull.name).symlink_to(pull.resolve())
    write_json(pulls / "latest.json", {"hash": manifest.pull.hash})
    folder = there / "exports" / manifest.name
    folder.mkdir(parents=True)
    for path in before:
        (folder / path.name).symlink_to(path.resolve())
    return released(again, progress, hold_gates=False).folder


def _as_released(config: Config, manifest: "Manifest", there: Path) -> Config:
    """The configuration of the manifest, in folders of its own.

    Private settings are those that the export noted in the workspace, secret ones those of `config`.
    """
    import msgspec

    release = Path(manifest.name, f"v{manifest.version}")
    noted = read_json(_note(config.workspace / manifest.configuration["dataset"]["name"], release)) or {}
    groups: dict[str, Any] = {"labels": scheme_from(manifest.configuration["labels"])}
    for name in manifest.configuration.keys() - groups.keys():
        own, said = getattr(config, name), manifest.configuration[name]
        # Manifests used to hold "(private)" in the place of private settings.
        said = {key: said[key] for key in public(own) if key in said}
        groups[name] = msgspec.convert(asdict(own) | noted.get(name, {}) | said, type(own))
    groups["export"].sign = ""
    kind = "recorded" if manifest.recorded else "human"
    # Which labels people were asked for then is in `quality`; the file of people may say something else now.
    recorded = config.annotators.recorded or "recorded"
    annotators = replace(config.annotators, kind=kind, recorded=recorded, layout="shared")
    paths = replace(config.paths, workspace=str(there / "workspace"), exports=str(there / "exports"))
    return replace(config, paths=paths, annotators=annotators, **groups)


def found_release(config: Config, name: str) -> tuple[Path, "Manifest"]:
    """The release of a version, in a folder, or the latest for an empty name."""
    from builder.release.manifest import find_release, read

    root = find_release(config.release_folder, name)
    return root, read(root)


def readable_release(config: Config, name: str) -> "Exported":
    """The release so named, its tables as they were released; else `ReleaseError` names those that are not."""
    from builder.release.manifest import Exported
    from builder.release.verify import check_read

    root, manifest = found_release(config, name)
    check_read(root, "*.parquet")
    return Exported(root, manifest)


@dataclass(frozen=True)
class Verified:
    """A release whose files are as released; what its splits share, and how a rebuild compares, where that was asked.

    `rebuilt` is "same bytes", or "same contents" when other versions of libraries or of the builder wrote other bytes
    around the same values. `unchecked` says what of a release of an older format cannot be checked.
    `signed_by` names the key, after who it is of where `export.signers` says it.
    """

    folder: Path
    version: str
    files: int
    shared: dict[str, int] = field(default_factory=dict)
    rebuilt: str = ""
    unchecked: str = ""
    signed_by: str = ""


def verified(config: Config, release: str, progress: Progress, *, hashes_only: bool) -> Verified:
    """The release of a version, in a folder, or the latest for an empty name is what it was, and is made again."""
    from builder.release import verify
    from builder.release.manifest import DAMAGED, FORMAT, find_release, outline, read
    from builder.release.signing import signer

    root = find_release(config.release_folder, release)
    made = outline(root)
    problems = verify.check_files(root, made.files)
    found = Verified(root, made.version, len(made.files), signed_by=signer(root, config.export.signers))
    if made.format != FORMAT:
        manifest = "" if made.digest else " and whether its manifest was changed"
        about = f"Format {made.format} is older. Not checked: whether the same inputs give it again{manifest}."
        found = replace(found, unchecked=about)
    if not problems and not hashes_only:
        found = replace(found, shared=verify.certify(root, made))
        problems = [f"{count} {what} are in several splits" for what, count in found.shared.items() if count]
    if not problems and not hashes_only and found.unchecked:
        verify.check_loads(root, made)
    elif not problems and not hashes_only:
        with tempfile.TemporaryDirectory(prefix="verify-") as name:
            again = rebuild(config, root, read(root), Path(name), progress)
            rebuilt, problems = verify.compare_rebuilt(root, again)
        found = replace(found, rebuilt=rebuilt)
    if problems:
        raise ReleaseError(f"{root}: {'; '.join(problems)}.", f"Do not train on it. {DAMAGED}")
    return found


@dataclass(frozen=True)
class Traced:
    """A row of a release with everything it came from; annotations and votes have the link of their `task`."""

    folder: Path
    trace: "Trace"


def traced(config: Config, row_id: str, name: str = "") -> Traced:
    """What a row of a release came from, in the stages that its manifest names."""
    from builder.release.trace import trace

    made = readable_release(config, name)
    paths = tables_of(config, made.manifest.stages)
    found = trace(made.folder, made.manifest, row_id, paths, pipeline.raw_opener(config))
    campaign = pipeline.campaign(config)
    for row in (*found.annotations, *(vote for gold in found.gold for vote in gold["votes"])):
        project, task = row.pop("project_id"), row.pop("task_id")
        row["task"] = None if task is None else campaign.task_link(project, task)
    return Traced(made.folder, found)


@dataclass(frozen=True)
class Cleaned:
    """Folders that were removed, or would be, with their bytes together, and what is kept and why."""

    dry_run: bool
    removed: list[str] = field(default_factory=list)
    bytes: int = 0
    kept: dict[str, str] = field(default_factory=dict)


def cleaned(config: Config, *, dry_run: bool) -> Cleaned:
    """What neither a release nor the latest run of a stage uses is gone."""
    busy = "Another command works on this dataset."
    with exclusive(config.dataset_folder / "locks" / "use", "clean", wait=False, busy=busy):
        gone, kept = unused(config)
        size = sum(path.stat().st_size for folder in gone for path in folder.rglob("*") if path.is_file())
        if not dry_run:
            remove(gone)
    return Cleaned(dry_run, [str(folder) for folder in gone], size, kept)


def unused(config: Config) -> tuple[list[Path], dict[str, str]]:
    """Results that neither a release nor the latest run of a stage uses; and the others, with what uses them.

    Raises `ReleaseError` when a manifest is damaged: it may not name what its release uses any more.
    """
    from builder.release.manifest import outline, releases

    found, name = pipeline.stages(config), config.dataset.name
    used: dict[str, dict[str, str]] = {stage: {} for stage in pipeline.NAMES}
    # One folder per variant of the dataset.
    folders = sorted(Path(config.paths.exports).glob(f"{name}*"))
    for folder in (folder for folder in folders if f"{folder.name}-".startswith(f"{name}-")):
        for version, path in releases(folder):
            for stage, key in outline(path).stages.items():
                used.setdefault(stage, {})[key] = f"release {folder.name} v{version}"
    gone: list[Path] = []
    kept: dict[str, str] = {}
    for stage in pipeline.NAMES:
        if latest := found.latest(stage):
            used[stage][latest.key] = "the latest run"
        gone += found.unused(stage, set(used[stage]))
        kept |= {str(found.root / stage / key): why for key, why in used[stage].items() if found.find(stage, key)}
    return gone, kept
