"""The dataset card: README.md with the YAML that `load_dataset` reads and the statement that people read."""

from pathlib import Path
from typing import Any

import yaml

from builder.release.features import yaml_list
from builder.scheme import Scheme

_TEMPLATE = Path(__file__).parent / "templates" / "card.md.j2"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_TASKS = {"entities": "token-classification", "stance": "text-classification"}
_WHY = {
    "unresolved": "without a decision between the annotators",
    "improbable": "below the least probability",
    "disputed": "below the least agreement",
}
_LOST = {
    "nested": "lie inside or around another span",
    "crossing": "cross another span",
    "sub-token": "share a token with another span",
    "widened": "begin or end inside a token, and their tags cover all of it",
}


def card(manifest: dict[str, Any], dataset: dict[str, Any], scheme: Scheme, recorded: bool) -> str:
    """The text of README.md for the release that the manifest describes."""
    from jinja2 import Environment, StrictUndefined

    export = manifest["configuration"]["export"]
    counts = manifest["counts"]
    rows = {
        name: {split: facts["rows"] for split, facts in config["splits"].items()}
        for name, config in manifest["configs"].items()
    }
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        front=yaml.safe_dump(
            front_matter(manifest, dataset, recorded), sort_keys=False, allow_unicode=True, width=1000
        ),
        title=dataset["title"] or dataset["name"],
        description=dataset["description"] or f"Entities and stances in news chunks, labelled under `{scheme.name}`.",
        version=manifest["version"],
        previous=manifest["previous"],
        folder=f"{manifest['name']}/v{manifest['version']}",
        recorded=recorded,
        configs=list(manifest["configs"]),
        rows=rows,
        counts=counts,
        tags=export["tags"] if export["tokens"] else "none",
        granularity={"article": "annotated stretch of an article"}.get(export["granularity"], export["granularity"]),
        tokenizer="words and single symbols" if export["tokenizer"] == "words" else "of the tokenizer file",
        language=dataset["language"],
        license=dataset["license"],
        citation=dataset["citation"],
        scheme=scheme,
        method=manifest["configuration"]["aggregation"]["method"],
        agreement_lines=_agreement(manifest["agreement"]),
        left_out=_left_out(counts["left_out"]),
        guidelines=scheme.guidelines.strip() or "None were written.",
        described=_described(scheme, manifest["configs"]),
        split_by={"hash": "a hash of the article", "stratified": "article, labels spread evenly", "time": "date"}[
            manifest["configuration"]["split"]["method"]
        ],
        leakage=manifest["leakage"],
        known_issues=_known_issues(manifest, scheme),
    )


def front_matter(manifest: dict[str, Any], dataset: dict[str, Any], recorded: bool) -> dict[str, Any]:
    """The YAML of the card: what the Hub shows and `load_dataset` reads."""
    most = max((s["rows"] for c in manifest["configs"].values() for s in c["splits"].values()), default=0)
    return {
        "license": dataset["license"],
        "language": [dataset["language"]],
        "pretty_name": dataset["title"] or dataset["name"],
        "task_categories": [_TASKS[name] for name in manifest["configs"] if name in _TASKS],
        "size_categories": [next((size for limit, size in _SIZES if most < limit), "1M<n<10M")],
        "annotations_creators": ["other" if recorded else "crowdsourced"],
        "tags": ["stance-detection", "named-entity-recognition", "news"],
        "configs": [_config(name, facts, i == 0) for i, (name, facts) in enumerate(manifest["configs"].items())],
        "dataset_info": [_info(name, facts) for name, facts in manifest["configs"].items()],
    }


def _config(name: str, facts: dict[str, Any], default: bool) -> dict[str, Any]:
    files = [{"split": split, "path": f"{name}/{split}-*.parquet"} for split in facts["splits"]]
    return {"config_name": name, "data_files": files, **({"default": True} if default else {})}


def _info(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    splits = [
        {"name": split, "num_bytes": found["content_bytes"], "num_examples": found["rows"]}
        for split, found in facts["splits"].items()
    ]
    return {
        "config_name": name,
        "features": yaml_list(facts["features"]),
        "splits": splits,
        "download_size": sum(found["bytes"] for found in facts["splits"].values()),
        "dataset_size": sum(found["content_bytes"] for found in facts["splits"].values()),
    }


def _agreement(found: Any, name: str = "") -> list[str]:
    """One line a number, named by where it stands: the room that measures decides what there is."""
    if isinstance(found, dict):
        return [line for key, value in found.items() for line in _agreement(value, f"{name}, {key}" if name else key)]
    if isinstance(found, int | float) and not isinstance(found, bool):
        return [f"{name.replace('_', ' ')}: {found:.3g}" if isinstance(found, float) else f"{name}: {found}"]
    return []


def _left_out(counts: dict[str, Any]) -> list[str]:
    lines = [
        f"{count} {what} {_WHY[reason]}"
        for what, key in (("entity spans", "spans"), ("stances", "stances"))
        for reason, count in counts[key].items()
        if reason in _WHY and count
    ]
    if counts["articles"]:
        lines.append(f"{counts['articles']} articles whose near-duplicates were released in two splits")
    return lines or ["nothing"]


def _described(scheme: Scheme, configs: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "entity label": {k: v.description for k, v in scheme.entities.items()} if "entities" in configs else {},
        "stance label": {k: v.description for k, v in scheme.stance.items()} if "stance" in configs else {},
        "target": {k: v.title or k for k, v in scheme.targets.items()} if "stance" in configs else {},
    }


def _known_issues(manifest: dict[str, Any], scheme: Scheme) -> list[str]:
    lines = []
    if manifest["below_gates"]:
        lines.append(f"**Released below its quality gates**: {manifest['below_gates']}.")
    losses = manifest["losses"]
    if reasons := [f"{losses[reason]} {words}" for reason, words in _LOST.items() if losses[reason]]:
        lines.append(f"Tags cannot hold every span as it is: {'; '.join(reasons)}. `entities` holds all of them.")
    if losses["row-border"]:
        lines.append(f"{losses['row-border']} entity spans cross the border of a row and stand in none.")
    current = {"entities": list(scheme.entities), "stance": list(scheme.stance)}
    for kind, names in manifest["labels"].items():
        retired = [name for name in names if name not in current[kind] and not manifest["counts"]["labels"][kind][name]]
        if retired:
            lines.append(f"Retired {kind} labels keep their ids and have no rows: {', '.join(retired)}.")
    return lines or ["None known."]
