"""The dataset card, README.md: the YAML that `load_dataset` reads, and the statement that people read."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from builder.languages import language_code
from builder.release.configuration import Configuration, label_names, with_names, yaml_list
from builder.release.configurations import SPECS
from builder.release.decisions import REASONS
from builder.release.diff import count
from builder.release.manifest import Configured, Manifest, data_files
from builder.release.tags import LOSSES
from builder.scheme import Scheme

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
#: File of a release to the template that it is made from.
PAGES = {"README.md": "card.md.j2", "CHECKLIST.md": "checklist.md.j2", "data_section.tex": "data_section.tex.j2"}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_FIGURES = {"alpha": "Krippendorff's alpha", "exact_f1": "exact F1", "token_alpha": "token alpha"}
#: Below this value of alpha even tentative conclusions are doubtful (Krippendorff 2004, Content Analysis, 11.4).
_DOUBTFUL = 0.667
_SPLIT_BY = {"hash": "a hash of the article", "stratified": "article, labels spread evenly", "time": "date"}
#: Characters that LaTeX does not print as they are.
_TEX = str.maketrans(
    {char: f"\\{char}" for char in "&%_#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
)
#: Most items of a list, and characters of a text, in an example row.
_ITEMS, _CHARACTERS = 12, 240


def release_pages(
    root: Path, manifest: Manifest, configurations: Mapping[str, Configuration], scheme: Scheme
) -> dict[str, str]:
    """The texts of `PAGES` for the release that the manifest describes, whose data files are below `root`."""
    settings, dataset = manifest.configuration, manifest.configuration["dataset"]
    filled = [name for name, found in manifest.configs.items() if found.splits]
    words = {
        "manifest": manifest,
        "counts": manifest.counts,
        "dataset": dataset,
        "settings": settings,
        "scheme": scheme,
        "front": _front_matter(manifest, dataset),
        "title": dataset["title"] or dataset["name"],
        "description": dataset["description"] or f"News texts labelled under the scheme `{scheme.name}`.",
        "licence": _licence(dataset),
        "codes": ", ".join(f"`{code}`" for code in languages(manifest)),
        "about": {name: SPECS[found.kind].about(found, settings["export"]) for name, found in configurations.items()},
        "examples": {name: _example(root, name, manifest.configs[name]) for name in filled},
        "processing": processing(manifest),
        "machine": machine(manifest),
        "agreement": [f"{name}: {value:.3g}" for name, value in manifest.agreement.items()],
        "methods": methods(manifest),
        "left_out": _left_out(manifest),
        "described": _described([configurations[name] for name in filled], settings["export"]["targets"]),
        "split_by": _SPLIT_BY[settings["split"]["method"]],
        "known_issues": _known_issues(manifest, configurations),
    }
    return {file: _templates().get_template(template).render(words) for file, template in PAGES.items()}


@cache
def _templates() -> "Environment":
    """The templates, each compiled once per process."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    made.filters["tex"] = lambda text: str(text).translate(_TEX)
    return made


def languages(manifest: Manifest) -> list[str]:
    """Codes of the languages of the articles, the most frequent first; the one that is expected where none is known."""
    counted = manifest.counts.languages
    expected = language_code(manifest.configuration["dataset"]["language"])
    return sorted(counted, key=lambda code: (-counted[code], code)) or [expected]


def creators(manifest: Manifest) -> list[str]:
    """Who made the annotations, in the words of the Hub."""
    if manifest.recorded:
        return ["other"]
    found = [manifest.configuration["dataset"]["expertise"]]
    found += ["expert-generated"] if manifest.counts.experts else []
    found += ["machine-generated"] if manifest.counts.predictions.keys() - {"none"} else []
    return list(dict.fromkeys(found))


def machine(manifest: Manifest) -> str:
    """What machines had to do with the labels, in a sentence."""
    shown = {name: count for name, count in manifest.counts.predictions.items() if name != "none"}
    if not shown:
        return "No suggestion of a machine was shown to the annotators."
    total = sum(shown.values())
    parts = ", ".join(f"{number:,} {name} ({number / total:.0%})" for name, number in shown.items())
    return f"Suggestions of a machine were shown in {count(total, 'annotation', 'annotations')}: {parts}."


def methods(manifest: Manifest) -> str:
    """The methods that decided gold."""
    used = {how.partition(":")[0] for how in manifest.chosen.values()}
    return ", ".join(sorted(used)) or str(manifest.configuration["aggregation"]["method"])


def processing(manifest: Manifest) -> list[str]:
    """How raw articles became texts, in sentences."""
    dedup, chunking, selection = (manifest.configuration[name] for name in ("dedup", "chunking", "selection"))
    kept = "left out" if dedup["policy"] == "drop" else "kept, in the split of the others"
    found = [
        "Every step of cleaning is kept as a map to the raw characters.",
        f"Near-duplicates from a similarity of {dedup['threshold']:g} are {kept}.",
        f"Texts are cut into chunks (`{chunking['method']}`, at most {chunking['max_tokens']} tokens).",
    ]
    chosen = [f"Chunks to annotate were selected by `{selection['method']}`."]
    return found + (chosen if selection["method"] != "all" else [])


def _licence(dataset: Mapping[str, Any]) -> str:
    name, link = dataset["license_name"], dataset["license_link"]
    shown = f"`{dataset['license']}`" + (f" ({name})" if name else "")
    return f"[{shown}]({link})" if link else shown


def _example(root: Path, name: str, found: Configured) -> str:
    """The first row of a configuration as JSON: labels by name, long lists and texts cut."""
    with pq.ParquetFile(data_files(root, name, next(iter(found.splits)))[0]) as opened:
        table = pa.Table.from_batches([next(opened.iter_batches(1))])
    (row,) = with_names(table, label_names(found.features)).to_pylist()
    lines = (f"  {json.dumps(key)}: {json.dumps(_cut(value), ensure_ascii=False)}" for key, value in row.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _cut(value: Any) -> Any:
    if isinstance(value, list):
        return [*map(_cut, value[:_ITEMS]), *(["..."] if len(value) > _ITEMS else [])]
    if isinstance(value, dict):
        return {key: _cut(item) for key, item in value.items()}
    return f"{value[:_CHARACTERS]}..." if isinstance(value, str) and len(value) > _CHARACTERS else value


def _front_matter(manifest: Manifest, dataset: Mapping[str, Any]) -> str:
    """The YAML of the card: what the Hub shows and `load_dataset` reads. Configurations without rows are left out."""
    from huggingface_hub import DatasetCardData

    filled = {name: found for name, found in manifest.configs.items() if found.splits}
    specs = {name: SPECS[found.kind] for name, found in filled.items()}
    most = max((facts.rows for found in filled.values() for facts in found.splits.values()), default=0)
    data = DatasetCardData(
        license=dataset["license"],
        **{key: dataset[key] for key in ("license_name", "license_link") if dataset[key]},
        language=languages(manifest),
        language_creators=["found"],
        multilinguality=["monolingual" if len(languages(manifest)) == 1 else "multilingual"],
        source_datasets=["original"],
        pretty_name=dataset["title"] or dataset["name"],
        task_categories=list(dict.fromkeys(spec.task for spec in specs.values() if spec.task)),
        size_categories=[next((size for limit, size in _SIZES if most < limit), "1M<n<10M")],
        annotations_creators=creators(manifest),
        tags=[*dict.fromkeys(spec.tag.format(name=name) for name, spec in specs.items() if spec.tag), "news"],
        configs=[
            {
                "config_name": name,
                "data_files": [{"split": split, "path": f"{name}/{split}-*.parquet"} for split in found.splits],
                **({"default": True} if i == 0 else {}),
            }
            for i, (name, found) in enumerate(filled.items())
        ],
        dataset_info=[
            {
                "config_name": name,
                "features": yaml_list(found.features),
                "splits": [
                    {"name": split, "num_bytes": facts.content_bytes, "num_examples": facts.rows}
                    for split, facts in found.splits.items()
                ],
                "download_size": sum(facts.bytes for facts in found.splits.values()),
                "dataset_size": sum(facts.content_bytes for facts in found.splits.values()),
            }
            for name, found in filled.items()
        ],
    )
    return f"{data.to_yaml(line_break=chr(10))}\n"


def _left_out(manifest: Manifest) -> list[str]:
    counts, gone = manifest.counts, manifest.leakage.left_out
    found = [
        (number, f"{SPECS[manifest.configs[name].kind].gold} {REASONS[reason]}", f"`{name}`: ")
        for name, reasons in counts.left_out.items()
        for reason, number in reasons.items()
        if reason in REASONS
    ]
    found += [(count, f"windows that {reason}", "") for reason, count in counts.windows_left_out.items()]
    found += [(count, f"chunks that {reason}", "") for reason, count in counts.chunks_left_out.items()]
    found.append((gone.articles, "articles whose near-duplicates were released in two splits", ""))
    found.append((gone.texts + gone.cut_texts, "texts that repeat one of another split", ""))
    return [f"{where}{count:,} {what}" for count, what, where in found if count] or ["nothing"]


def _described(configurations: Iterable[Configuration], targets: list[str]) -> dict[str, dict[str, str]]:
    """Tables by heading: released label or target of a question, and what it means."""
    tables: dict[str, dict[str, str]] = {}
    for found in configurations:
        if (question := found.question) is None or found.open:
            continue
        meanings: dict[str, list[str]] = {}
        for label, said in question.names("labels").items():
            if name := found.numbering.names.get(label):
                words = " ".join((said.description or said.title or label).split())
                meanings.setdefault(name, []).append(words if label == name else f"{label}: {words}")
        kind = "option" if question.many else "label"
        tables[f"`{found.name}` {kind}"] = {name: "; ".join(words) for name, words in meanings.items()}
        if not question.many:
            shown = [target for target in question.targets if target in (targets or question.targets)]
            tables[f"`{found.name}` target"] = {target: question.title(target) for target in shown}
    return {heading: table for heading, table in tables.items() if table}


def _known_issues(manifest: Manifest, configurations: Mapping[str, Configuration]) -> list[str]:
    lines = []
    if manifest.below_gates:
        lines.append(f"**Released below its quality gates**: {manifest.below_gates}.")
    for name, losses in manifest.losses.items():
        reasons = [f"{count:,} {LOSSES[reason]}" for reason, count in losses.items() if count and reason in LOSSES]
        if reasons:
            lines.append(f"Tags of `{name}` cannot hold every span: {'; '.join(reasons)}. The column of spans does.")
        if crossing := losses.get("row-border"):
            lines.append(f"{crossing:,} spans cross the border of a row of `{name}` and are in none.")
        if masked := losses.get("masked-tokens"):
            lines.append(f"{masked:,} tokens of `{name}` have no known tag: `mask` hides them from training.")
        if strict := losses.get("strict-rows"):
            lines.append(f"{strict:,} texts of `{name}` are left out, because a span in them was not decided.")
    for name, found in configurations.items():
        known = set(found.numbering.names.values())
        counts = manifest.counts.labels.get(name, {})
        if retired := [label for label, count in counts.items() if label not in known and not count]:
            lines.append(f"Retired labels of `{name}` keep their ids and have no rows: {', '.join(retired)}.")
    return lines + manifest.findings or ["None known."]


def findings(report: Mapping[str, Any]) -> list[str]:
    """Known issues that an agreement report shows: where annotators agree so little that labels are doubtful."""
    return [
        f"Annotators agree little: {name} is {value:.3g}, on {basis:,}; its labels are doubtful."
        for name, value, basis in _measured(report)
        if value < _DOUBTFUL and "alpha" in name
    ]


def figures(report: Mapping[str, Any]) -> dict[str, float]:
    """Name to number: each question and kind of span, over all and by target or label. Unmeasured ones are missing.

    >>> measured = {"overall": {"alpha": 0.7}, "targets": {"japan": {"alpha": None}, "china": {"alpha": 0.5}}}
    >>> figures({"answers": {"stance": measured}})
    {"stance, Krippendorff's alpha": 0.7, "stance, china, Krippendorff's alpha": 0.5}
    """
    return {name: value for name, value, _ in _measured(report)}


def _measured(report: Mapping[str, Any]) -> Iterator[tuple[str, float, int]]:
    """Name, value, and number of items or spans that it rests on."""
    parts = [*report.get("answers", {}).items()]
    parts += [(f"{kind} spans", part) for kind, part in report.get("spans", {}).items()]
    for name, part in parts:
        whole = {"": part["overall"]}
        for key, measures in (whole | part.get("targets", {}) | part.get("labels", {}) | whole).items():
            for measure, words in _FIGURES.items():
                if measures.get(measure) is not None:
                    basis = measures.get("items", measures.get("compared", 0))
                    yield ", ".join(filter(None, (name, key, words))), float(measures[measure]), basis
