"""The page of a large campaign: how long it takes to write, and how large it is.

`python -m tests.benchmarks.report` prints a line per figure. Three people label 10,000 chunks; in three of ten somebody
says something else. The stages are there already, as they are after `builder validate` and `builder adjudicate`.
"""

import random
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.benchmarks.ratios import Report, best_of

ARTICLES = 2_500  # of four chunks each


def campaign(root: Path, articles: int = ARTICLES) -> Any:
    """A configuration whose workspace has the stages of such a campaign, and no raw articles any more."""
    from builder import pipeline, tables
    from builder.config import Config, Dataset, Paths
    from builder.quality.adjudication import adjudicate
    from builder.quality.checks.inputs import CheckInputs
    from builder.quality.settings import Aggregation, Quality
    from builder.quality.validate import validate
    from builder.store import read_json, write_json, write_table
    from builder.studio.pull_records import ensure_key
    from tests import samples
    from tests.pulls import keep_pull

    rng, crowd = random.Random(7), samples.Crowd()
    texts = [samples.article(number) for number in range(articles)]
    others: list[dict[str, Any]] = [
        {"stances": {"ukraine": "against", "japan": "neutral"}, "comment": "hard to say"},
        {"spans": [(0, 5, "ORG"), (9, 30, "GPE")]},
        {"state": "skipped"},
        {"state": "draft", "problems": ["garbled"]},
    ]
    chunks = [made.chunk_id(i) for made in texts for i in range(len(made.chunks))]
    crowd.read(*texts, dissent={(rng.randrange(3), c): rng.choice(others) for c in chunks if rng.random() < 0.3})
    config = Config(
        paths=Paths(str(root / "raw"), str(root / "workspace"), str(root / "exports")),
        dataset=Dataset(name="large"),
        labels=samples.scheme(),
        quality=Quality(bootstrap=100),
        aggregation=Aggregation(method="majority"),
    )
    given = (crowd.annotations, crowd.spans, crowd.answers, crowd.windows)
    checked = validate(
        CheckInputs(*given, config.labels, config.quality), tables.ISSUES.empty_table(), {}, config.annotators.overlap
    )
    labelled = {name: checked.tables[name] for name in ("annotations", "spans", "answers", "windows")}
    gold = adjudicate(*labelled.values(), config.aggregation, config.quality, {})
    keep_pull(config, "", {})
    pull = read_json(config.dataset_folder / "pulls" / "latest.json")
    ensure_key(config.workspace / "pseudonyms.key")

    def keep(name: str, found: Mapping[str, pa.Table], summary: Mapping[str, Any], report: Any = None) -> None:
        def make(folder: Path, *_: object) -> Mapping[str, Any]:
            for table, rows in found.items():
                write_table(folder / f"{table}.parquet", rows)
            if report is not None:
                write_json(folder / "agreement.json", report)
            return summary

        pipeline.stages(config).get(name, make, inputs={}, settings={}, rooms=())

    # The sample world knows neither the tokens of chunks nor the sections of articles.
    tokens, at = pa.array([30] * len(chunks), pa.int32()), tables.CHUNKS.get_field_index("tokens")
    cut = crowd.chunks.set_column(at, tables.CHUNKS.field("tokens"), tokens)
    corpus = {"articles": crowd.articles, "chunks": cut, "selected": cut}
    counts = dict.fromkeys(("files", "records", "articles", "kept"), articles)
    counts |= {"chunks": len(chunks), "selected": len(chunks)}
    keep("prepare", {**corpus, "rejects": tables.REJECTS.empty_table()}, counts | {"unmatched": []})
    keep("validate", checked.tables, {"pull": pull["hash"], **asdict(checked.summary)}, asdict(checked.agreement))
    keep("adjudicate", {"gold_spans": gold.gold_spans, "gold_answers": gold.gold_answers}, asdict(gold.summary))
    return config


def main() -> None:
    from builder import report

    found = Report()
    with tempfile.TemporaryDirectory() as root:
        config = campaign(Path(root))
        size = report(config).bytes
        found.at_most("report.page_seconds", best_of(3, lambda: report(config)), 10, " s")
        found.at_most("report.page_megabytes", size / 1e6, 10, " MB")
    found.finish()


if __name__ == "__main__":
    main()
