"""The corpus: which articles there are, by source, month, language and length; what was left out; what is selected."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import numbers, positions_in
from builder.quality.checks.inputs import codes
from builder.quality.votes import Integers
from builder.reporting.facts import Facts
from builder.tables import rows_of

#: Sources and clusters that are listed, and titles of a cluster; other sources are counted together.
_LISTED, _TITLES = 25, 5
_CHARACTERS, _TOKENS = (0, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000), (0, 25, 50, 100, 200, 400, 800, 1600)
#: The columns that are read of the tables of `prepare`; None is all.
_CHUNK_COLUMNS = ["chunk_id", "article_id", "tokens"]
COLUMNS = {
    "articles": ["article_id", "source", "published", "language", "title", "cluster_id", "kept", "sections"],
    "chunks": _CHUNK_COLUMNS,
    "selected": _CHUNK_COLUMNS,
    "rejects": None,
}
#: Articles with something in common: its name, how many there are, without near-duplicates that are left out, and the
#: chunks and selected chunks of all.
Part = tuple[str, int, int, int, int]


@dataclass(frozen=True)
class CorpusSection:
    """`parts` are by "source", "month", "language" and "length"; `sizes` are chunks by their tokens.

    `rejects` has per reason how many there are, and the first. `clusters` are the largest of `clustered`, with titles,
    articles, sources and the id of the kept article; `unmatched` keywords of the selection are in no chunk.
    """

    missing: str = ""
    totals: tuple[tuple[str, int], ...] = ()
    parts: Mapping[str, list[Part]] = field(default_factory=dict)
    sizes: tuple[tuple[str, int], ...] = ()
    rejects: tuple[tuple[str, int, str], ...] = ()
    clustered: int = 0
    in_clusters: int = 0
    clusters: tuple[tuple[str, int, str, str], ...] = ()
    selection: str = ""
    unmatched: tuple[str, ...] = ()


def corpus_section(
    facts: Facts, selection: str = "", released: Collection[str] | None = None,
    metadata: Collection[str] = ("title", "source", "published", "language"),
) -> CorpusSection:  # fmt: skip
    """The corpus that the tables and the summary of `prepare` show; `selection` is the method that chose the chunks.

    On a public page, `released` are the ids of the articles in the release, and `metadata` what it says about articles.
    """
    articles, chunks, selected, rejects = (facts.table(name) for name in COLUMNS)
    if articles is None or chunks is None or selected is None or rejects is None:
        return CorpusSection("No article is read yet: run `builder prepare`.")
    if released is not None:
        ids = pa.array(sorted(released), pa.string())
        articles, chunks, selected = (t.filter(pc.is_in(t["article_id"], ids)) for t in (articles, chunks, selected))
    ids = articles["article_id"].combine_chunks()
    per_article = (np.bincount(positions_in(t["article_id"], ids), minlength=len(ids)) for t in (chunks, selected))
    counts = [np.ones(len(ids), np.int64), articles["kept"].to_numpy().astype(np.int64), *per_article]
    by = {
        "source": _named(articles["source"], counts),
        "month": sorted(_named(pc.strftime(articles["published"], "%Y-%m"), counts, 240)),
        "language": _named(articles["language"], counts),
        "length": _binned(_lengths(articles["sections"]), _CHARACTERS, counts),
    }
    known = {*metadata, "length", *(["month"] if "published" in metadata else [])}
    cluster, _ = codes(articles["cluster_id"])
    members = np.bincount(cluster)
    reasons = rejects.group_by("reason", use_threads=False).aggregate(
        [([], "count_all"), ("source_path", "first"), ("detail", "first")]
    )
    reasons = reasons.sort_by([("count_all", "descending"), ("reason", "ascending")])
    summary, tokens = facts.summaries["prepare"], numbers(chunks["tokens"])
    return CorpusSection(
        totals=tuple((n, int(summary[n])) for n in ("files", "records", "articles", "kept", "chunks", "selected")),
        parts={name: found for name, found in by.items() if name in known},
        sizes=tuple(part[:2] for part in _binned(tokens, _TOKENS, [np.ones_like(tokens)] * 4)),
        rejects=tuple(
            (reason, n, "" if facts.public else ": ".join(filter(None, where)))
            for reason, n, *where in rows_of(reasons, "reason", "count_all", "source_path_first", "detail_first")
        ),
        clustered=int((members > 1).sum()),
        in_clusters=int(members[members > 1].sum()),
        clusters=() if facts.public else tuple(_clusters(articles, cluster, members)),
        selection=selection,
        unmatched=tuple(summary["unmatched"]),
    )


def _named(values: pa.ChunkedArray, counts: Sequence[Integers], listed: int = _LISTED) -> list[Part]:
    """The parts with the same value, those with most articles first; what is beyond those `listed` is one part."""
    of, names = codes(pc.fill_null(values, "not known"))
    found = sorted(_parts(names, of, counts), key=lambda part: (-part[1], part[0]))
    if others := found[listed:]:
        articles, kept, chunks, selected = np.array([part[1:] for part in others]).sum(axis=0).tolist()
        found[listed:] = [(f"{len(others):,} others", articles, kept, chunks, selected)]
    return found


def _binned(values: Integers, edges: Sequence[int], counts: Sequence[Integers]) -> list[Part]:
    """The parts with a value from each edge to the next, but for those without any before the first and after the last
    that has one."""
    names = [f"{low:,} to {high - 1:,}" for low, high in pairwise(edges)] + [f"{edges[-1]:,} or more"]
    found = _parts(names, np.searchsorted(edges, values, side="right") - 1, counts)
    some = [n for n, part in enumerate(found) if part[1]] or [0]
    return found[some[0] : some[-1] + 1]


def _parts(names: Sequence[str], of: Integers, counts: Sequence[Integers]) -> list[Part]:
    sums = (np.bincount(of, weights=n, minlength=len(names)).astype(np.int64).tolist() for n in counts)
    return list(zip(names, *sums, strict=True))


def _lengths(sections: pa.ChunkedArray) -> Integers:
    """The characters of each text: sections tile it, so they are the end of the last one."""
    sizes = pc.fill_null(pc.list_value_length(sections), 0).to_numpy()
    ends = pc.struct_field(pc.list_flatten(sections), "end").to_numpy()
    found = np.zeros(len(sizes), np.int64)
    found[sizes > 0] = ends[np.cumsum(sizes)[sizes > 0] - 1]
    return found


def _clusters(articles: pa.Table, cluster: Integers, members: Integers) -> Iterator[tuple[str, int, str, str]]:
    largest = np.argsort(-members, kind="stable")[:_LISTED]
    for number in largest[members[largest] > 1].tolist():
        of = articles.take(pa.array(np.flatnonzero(cluster == number)))
        titles = " · ".join(list(filter(None, of["title"].to_pylist()))[:_TITLES])
        sources = ", ".join(sorted(filter(None, set(of["source"].to_pylist()))))
        yield titles or "without titles", of.num_rows, sources, of["cluster_id"][0].as_py()
