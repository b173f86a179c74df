"""`builder prepare`: from raw files to articles, chunks and the chunks to annotate."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.config import Config
from builder.errors import SourceError
from builder.store import canonical, digest, file_digest, write_table

if TYPE_CHECKING:
    from rich.console import Console


def prepare(config: Config, console: "Console") -> dict[str, Any]:
    """The stage `prepare` holds the tables articles, chunks, selected and rejects; returns the counts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from builder.corpus import rows
    from builder.corpus.article import Article, Press
    from builder.corpus.files import RawFile, local
    from builder.corpus.read import read
    from builder.corpus.records import Reject

    root = config.raw
    if not root.exists():
        raise SourceError(f"The raw folder {root} does not exist.", "Put articles there, or set paths.raw.")
    found = list(local(root, config.source))
    if not found:
        raise SourceError(f"The raw folder {root} holds no files to read.", "Put articles there, or set paths.raw.")
    files = [f for f in found if isinstance(f, RawFile)]
    rejected = [f for f in found if isinstance(f, Reject)]
    stage = config.stage("prepare")
    settings = canonical([config.source, config.cleaning, config.dedup, config.chunking, config.selection])
    fingerprint = digest(
        "prepare",
        settings,
        config.dataset.language,
        *(p for f in files for p in (f.path, file_digest(Path(f.address)))),
    )
    if stage.is_current(fingerprint):
        console.print("prepare: nothing changed")
        return stage.summary() or {}
    press = Press(config.cleaning, config.chunking, config.dataset.language)
    articles: list[Article] = []
    seen: dict[str, tuple[str, int]] = {}
    records = 0
    for file in files:
        for item in read(Path(file.address).read_bytes(), file.path, config.source):
            records += 1
            if isinstance(item, Reject):
                rejected.append(item)
                continue
            first = seen.setdefault(item.sha256, (item.source_path, item.number))
            if first != (item.source_path, item.number):
                where = f"the same bytes as record {first[1]} of {first[0]}"
                rejected.append(Reject(item.source_path, item.number, "duplicate-record", where, item.article_id))
                continue
            article = press.article(item)
            if isinstance(article, Reject):
                rejected.append(article)
            else:
                articles.append(article)
    with stage.rewrite(fingerprint) as summary:
        article_table = rows.articles(articles, config.dataset.language)
        chunk_table = rows.chunks(articles, press)
        kept = article_table.filter(pc.field("kept"))["article_id"]
        selected = chunk_table.filter(pc.is_in(chunk_table["article_id"], value_set=pa.array(kept.to_pylist())))
        write_table(stage.table("articles"), article_table)
        write_table(stage.table("chunks"), chunk_table)
        write_table(stage.table("selected"), selected)
        write_table(stage.table("rejects"), rows.rejects(rejected))
        if not articles:
            raise SourceError(
                f"All {len(rejected)} records under {root} were rejected.",
                f"The reasons stand in {stage.table('rejects')}.",
            )
        summary |= {
            "files": len(files),
            "records": records,
            "articles": len(articles),
            "chunks": chunk_table.num_rows,
            "selected": selected.num_rows,
            "rejected": dict(sorted(Counter(r.reason for r in rejected).items())),
        }
    console.print(f"prepare: {summary['articles']} articles, {summary['chunks']} chunks")
    return summary
