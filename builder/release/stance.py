"""Rows of the `stance` configuration: one a chunk and target, with the votes behind the label."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.features import Features, arrow_schema
from builder.release.rows import Index, Rows, codes, flat, numbers
from builder.text import Ints


@dataclass(frozen=True)
class Stances:
    """Gold stances in row order; `positions` are those of the index."""

    positions: Ints
    labels: Ints
    targets: pa.Array
    probability: pa.Array
    status: pa.Array
    votes: npt.NDArray[np.int32]  # one column a label


def stances(index: Index, gold: pa.Table, names: Mapping[str, str], ids: list[str], targets: list[str]) -> Stances:
    """The released stances, in order of chunk and then of `targets`; others follow by name.

    `names` translates labels, in votes too; labels that are left out are missing from it, and their votes uncounted.
    """
    positions = index.positions(gold["chunk_id"])
    labels = codes(gold["label"], names, ids)
    known = sorted(set(pc.unique(gold["target"]).to_pylist()) - set(targets))
    rank = numbers(pc.index_in(gold["target"], value_set=pa.array([*targets, *known], pa.string())))
    keep = np.flatnonzero((positions >= 0) & (labels >= 0))
    order = keep[np.lexsort((rank[keep], positions[keep]))]
    at = pa.array(order)
    votes = flat(gold["votes"]).take(at)
    cast = codes(pa.chunked_array([pc.struct_field(pc.list_flatten(votes), "label")]), names, ids)
    parents = numbers(pc.list_parent_indices(votes))
    counted = cast >= 0
    cells = np.bincount(parents[counted] * len(ids) + cast[counted], minlength=len(order) * len(ids))
    return Stances(
        positions[order],
        labels[order],
        flat(gold["target"]).take(at),
        flat(gold["probability"]).take(at),
        flat(gold["status"]).take(at),
        cells.reshape(len(order), len(ids)).astype(np.int32),
    )


def table(rows: Rows, gold: Stances, ids: list[str], features: Features) -> pa.Table:
    """The stances of these chunks as a table of `features`, in the order of the rows."""
    places = rows.numbers
    lo, hi = np.searchsorted(gold.positions, places), np.searchsorted(gold.positions, places + 1)
    owner = np.repeat(np.arange(len(rows)), hi - lo)
    shift = np.repeat(lo - (np.cumsum(hi - lo) - (hi - lo)), hi - lo)
    picked = shift + np.arange(len(owner))
    parent, at = pa.array(owner), pa.array(picked)
    chunk_ids = rows.chunk_ids.take(parent)
    targets = gold.targets.take(at)
    votes = [pa.array(np.ascontiguousarray(gold.votes[picked, i])) for i in range(len(ids))]
    columns = {
        "id": pc.binary_join_element_wise(chunk_ids, targets, ":"),
        "article_id": rows.article_ids.take(parent),
        "chunk_id": chunk_ids,
        "text": rows.text.take(parent),
        "target": targets,
        "label": pa.array(gold.labels[picked]),
        "votes": pa.StructArray.from_arrays(votes, names=ids),
        "probability": gold.probability.take(at),
        "status": gold.status.take(at),
    }
    schema = arrow_schema(features)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)
