"""Rows of the `annotations` configuration: what every annotator submitted, under a pseudonym."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.features import Features, arrow_schema
from builder.release.rows import Index, Rows, flat, list_of, numbers, spread
from builder.text import Ints

SUBMITTED = ("labelled", "labelled-empty", "skipped")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_PLAIN = ("annotator", "state", "prediction", "quarantined", "problems", "created", "updated", "lead_time")


@dataclass(frozen=True)
class Annotations:
    """Submitted annotations in row order, with their spans and stances brought into the same order."""

    positions: Ints
    table: pa.Table
    spans: pa.Table
    span_owners: Ints
    stances: pa.Table
    stance_owners: Ints


def annotations(index: Index, given: pa.Table, spans: pa.Table, stances: pa.Table) -> Annotations:
    """Every annotation submitted for a chunk with a row, in order of chunk and then of id."""
    given = given.filter(pc.is_in(given["state"], pa.array(SUBMITTED)))
    places = index.positions(given["chunk_id"])
    given = given.append_column("place", pa.array(places)).filter(pa.array(places >= 0))
    given = given.sort_by([("place", "ascending"), ("annotation_id", "ascending")]).combine_chunks()
    ids = flat(given["annotation_id"])
    spans, span_owners = _owned(spans, ids, ["start", "end"])
    stances, stance_owners = _owned(stances, ids, ["target"])
    return Annotations(numbers(given["place"]), given, spans, span_owners, stances, stance_owners)


def _owned(table: pa.Table, ids: pa.Array, order: list[str]) -> tuple[pa.Table, Ints]:
    owners = pc.index_in(table["annotation_id"], value_set=ids)
    table = table.append_column("owner", owners).filter(pc.is_valid(owners))
    table = table.sort_by([("owner", "ascending"), *((name, "ascending") for name in order)]).combine_chunks()
    return table, numbers(table["owner"])


def table(rows: Rows, given: Annotations, features: Features) -> pa.Table:
    """The annotations of these chunks as a table of `features`; spans count from the start of the chunk."""
    places = rows.numbers
    owner, picked = spread(np.searchsorted(given.positions, places), np.searchsorted(given.positions, places + 1))
    parent, at = pa.array(owner), pa.array(picked)
    part = given.table.take(at)
    chunk_starts = (rows.keys & 0xFFFFFFFF)[owner]
    columns = {
        "id": flat(part["annotation_id"]),
        "article_id": rows.article_ids.take(parent),
        "chunk_id": rows.chunk_ids.take(parent),
        "text": rows.text.take(parent),
        "scheme_version": flat(part["scheme_version"]),
        "comment": pc.replace_substring_regex(flat(part["comment"]), _EMAIL.pattern, "[e-mail]"),
        **{name: flat(part[name]) for name in _PLAIN},
    }
    at_annotation, span = spread(
        np.searchsorted(given.span_owners, picked), np.searchsorted(given.span_owners, picked + 1)
    )
    spans = given.spans.take(pa.array(span))
    shift = chunk_starts[at_annotation]
    starts = pa.array((numbers(spans["start"]) - shift).astype(np.int32))
    ends = pa.array((numbers(spans["end"]) - shift).astype(np.int32))
    evidence = pc.equal(flat(spans["kind"]), "evidence").to_numpy(zero_copy_only=False)
    for name, where, fields in (
        ("entities", ~evidence, ("start", "end", "label", "text")),
        ("evidence", evidence, ("start", "end", "text", "targets")),
    ):
        found = {"start": starts, "end": ends, **{key: flat(spans[key]) for key in ("label", "text", "targets")}}
        records = pa.StructArray.from_arrays([found[key] for key in fields], names=list(fields))
        columns[name] = list_of(at_annotation[where], len(picked), records.filter(pa.array(where)))
    at_annotation, stance = spread(
        np.searchsorted(given.stance_owners, picked), np.searchsorted(given.stance_owners, picked + 1)
    )
    stances = given.stances.take(pa.array(stance))
    pairs = pa.StructArray.from_arrays([flat(stances[key]) for key in ("target", "label")], names=["target", "label"])
    columns["stances"] = list_of(at_annotation, len(picked), pairs)
    schema = arrow_schema(features)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)
