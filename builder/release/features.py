"""Features of columns: one source for the Parquet schema, its metadata, the card's YAML and Croissant.

Features are written as the `datasets` library writes them into Parquet metadata, in the older spelling of lists
(`Sequence` of a value, a one-element array for a list of records), which its versions 3, 4 and 5 all read. That library
itself is not imported: it costs seconds.
"""

import json
from typing import Any

import pyarrow as pa

from builder.release.arrays import flat

#: Feature name to feature, in the JSON form of the Parquet metadata.
Features = dict[str, Any]


def value(dtype: str) -> dict[str, Any]:
    """A plain value, such as `string` or `int32`."""
    return {"dtype": dtype, "_type": "Value"}


def class_label(names: list[str]) -> dict[str, Any]:
    """An integer that is the number of one of the names."""
    return {"names": names, "_type": "ClassLabel"}


def sequence(feature: dict[str, Any]) -> dict[str, Any]:
    """A list of values or class labels. A list of records is a one-element Python list."""
    return {"feature": feature, "_type": "Sequence"}


STRING, INT, NUMBER, FLAG = value("string"), value("int32"), value("float64"), value("bool")


def arrow_schema(features: Features) -> pa.Schema:
    """The Arrow schema of the features, with the metadata from which `datasets` restores them."""
    fields = [pa.field(name, arrow_type(feature)) for name, feature in features.items()]
    metadata = {"huggingface": json.dumps({"info": {"features": features}}, sort_keys=True)}
    return pa.schema(fields, metadata=metadata)


def arrow_type(feature: Any) -> pa.DataType:
    """The Arrow type of one feature."""
    if isinstance(feature, list):
        return pa.list_(arrow_type(feature[0]))
    kind = feature.get("_type")
    if kind == "Value":
        return pa.type_for_alias(feature["dtype"])
    if kind == "ClassLabel":
        return pa.int64()
    if kind == "Sequence":
        return pa.list_(arrow_type(feature["feature"]))
    return pa.struct([(name, arrow_type(inner)) for name, inner in feature.items()])


def yaml_list(features: Features) -> list[dict[str, Any]]:
    """The features as the `dataset_info` block of a dataset card lists them.

    >>> yaml_list({"tokens": sequence(STRING), "spans": [{"start": INT}]})
    [{'name': 'tokens', 'sequence': 'string'}, {'name': 'spans', 'list': [{'name': 'start', 'dtype': 'int32'}]}]
    """
    return [{"name": name, **_yaml(feature)} for name, feature in features.items()]


def _yaml(feature: Any) -> dict[str, Any]:
    if isinstance(feature, list):
        return {"list": yaml_list(feature[0])}
    kind = feature.get("_type")
    if kind == "Value":
        return {"dtype": feature["dtype"]}
    if kind == "ClassLabel":
        return {"dtype": {"class_label": {"names": {str(i): name for i, name in enumerate(feature["names"])}}}}
    if kind == "Sequence":
        inner = _yaml(feature["feature"])
        return {"sequence": inner["dtype"] if isinstance(inner.get("dtype"), (str, dict)) else inner}
    return {"struct": yaml_list(feature)}


def label_names(features: Features) -> dict[str, list[str]]:
    """The names of every class label, by feature."""
    plain = {name: f.get("feature", f) if isinstance(f, dict) else f for name, f in features.items()}
    return {name: f["names"] for name, f in plain.items() if isinstance(f, dict) and f.get("_type") == "ClassLabel"}


def with_names(table: pa.Table, names: dict[str, list[str]]) -> pa.Table:
    """The table with the class labels of these columns by name."""
    for column, known in names.items():
        values, ids = pa.array(known, pa.string()), flat(table[column])
        is_list = pa.types.is_list(ids.type)
        found = pa.ListArray.from_arrays(ids.offsets, values.take(ids.values)) if is_list else values.take(ids)
        table = table.set_column(table.schema.get_field_index(column), column, found)
    return table
