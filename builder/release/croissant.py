"""croissant.json: the release described for machines, after MLCommons Croissant 1.1 and its responsible-AI terms.

Where the data come from is said in the terms of PROV-O (W3C 2013).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builder.release.card import languages, machine, methods, processing
from builder.release.configuration import Features, label_names
from builder.release.manifest import Manifest

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
} | {
    name: f"cr:{name}"
    for name in (
        "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty",
        "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
        "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
        "source", "subField", "transform",
    )
}  # fmt: skip
_TYPES = {"string": "Text", "int32": "Integer", "int64": "Integer", "float64": "Float", "bool": "Boolean"}
#: What people say about the dataset, by its term.
_STATED = {
    "rai:dataCollection": "collection", "rai:dataBiases": "biases", "rai:dataLimitations": "limitations",
    "rai:dataUseCases": "uses", "rai:dataSocialImpact": "social_impact",
    "rai:personalSensitiveInformation": "sensitive", "rai:annotatorDemographics": "demographics",
    "rai:dataReleaseMaintenancePlan": "maintenance",
}  # fmt: skip
_PARQUET = {"encodingFormat": "application/x-parquet"}
_MISSING = "Not stated."


def croissant(manifest: Manifest, day: str) -> dict[str, Any]:
    """One record set per configuration with rows, one of their splits, and one per set of label names."""
    counts, dataset, repo = manifest.counts, manifest.configuration["dataset"], manifest.configuration["export"]["repo"]
    filled = {name: found for name, found in manifest.configs.items() if found.splits}
    data = [file for file in manifest.files if file.path.endswith(".parquet") and file.path.split("/")[0] in filled]
    platform = " ".join(filter(None, ("Label Studio", manifest.pull.server_version)))
    splits = list(dict.fromkeys(split for found in filled.values() for split in found.splits))
    made = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": manifest.name,
        "description": dataset["description"] or f"Labelled news texts, release {manifest.version}.",
        "version": manifest.version,
        "license": dataset["license_link"] or dataset["license_name"] or dataset["license"],
        "creator": {"@type": "sc:Organization", "name": dataset["curators"] or _MISSING},
        "inLanguage": languages(manifest),
        "url": dataset["homepage"] or (f"https://huggingface.co/datasets/{repo}" if repo else f"./{manifest.name}"),
        "datePublished": day,
        "citeAs": dataset["citation"] or manifest.name,
        **{term: dataset[name] or _MISSING for term, name in _STATED.items()},
        "rai:dataCollectionType": ["Existing datasets", "Manual Human Curation"],
        "rai:dataCollectionTimeFrame": counts.published,
        "rai:dataCollectionRawData": f"{counts.articles:,} news articles",
        "rai:dataPreprocessingProtocol": processing(manifest),
        "rai:dataAnnotationPlatform": [platform],
        "rai:dataAnnotationProtocol": [manifest.configuration["labels"]["guidelines"] or _MISSING],
        "rai:dataAnnotationAnalysis": [f"{name}: {value:.3g}" for name, value in manifest.agreement.items()]
        + manifest.findings,
        "rai:annotationsPerItem": str(round(sum(counts.annotations.values()) / max(counts.windows, 1), 2)),
        "rai:machineAnnotationTools": [machine(manifest)],
        "prov:wasDerivedFrom": [{"@type": "prov:Entity", "name": source} for source in counts.sources],
        "prov:wasGeneratedBy": list(_activities(manifest, platform)),
        "distribution": [
            _node("cr:FileObject", file.path, **_PARQUET, contentUrl=file.path, contentSize=f"{file.bytes} B",
                  sha256=file.sha256)
            for file in data
        ]
        + [_node("cr:FileSet", f"files-{name}", **_PARQUET, includes=f"{name}/*.parquet") for name in filled],
        "recordSet": [
            _listed("splits", "cr:Split", {"name": splits}),
            *(
                _listed(f"{name}-{column}", "sc:Enumeration", {"id": range(len(names)), "name": names})
                for name, found in filled.items()
                for column, names in label_names(found.features).items()
                if names
            ),
            *(_records(name, found.features, list(found.splits)) for name, found in filled.items()),
        ],
    }  # fmt: skip
    return {key: value for key, value in made.items() if value not in ([], "")}


def _activities(manifest: Manifest, platform: str) -> Iterator[dict[str, Any]]:
    """What made the data, in order, each with who or what did it."""
    people = {"@type": "prov:Agent", "name": f"{manifest.counts.annotators} annotators"}
    tool = {"@type": "prov:SoftwareAgent", "name": f"annotated-dataset-builder {manifest.code['version']}"}
    for what, agents in (
        ("cleaning and chunking", [tool]),
        (f"annotation in {platform}", [people]),
        (f"adjudication by {methods(manifest)}", [tool]),
        ("release", [tool]),
    ):
        yield {"@type": "prov:Activity", "name": what, "prov:wasAssociatedWith": agents}


def _node(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"@type": kind, "@id": name, "name": name, **more}


def _listed(name: str, kind: str, columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """A record set whose records are written here, column by column: names of splits, or labels by their id."""
    keys = {column: f"{name}/{column}" for column in columns}
    types = {column: "sc:Integer" if column == "id" else "sc:Text" for column in columns}
    return _node(
        "cr:RecordSet", name, dataType=kind, key={"@id": next(iter(keys.values()))},
        field=[_node("cr:Field", key, dataType=types[column]) for column, key in keys.items()],
        data=[dict(zip(keys.values(), row, strict=True)) for row in zip(*columns.values(), strict=True)],
    )  # fmt: skip


def _records(name: str, features: Features, splits: list[str]) -> dict[str, Any]:
    files = {"fileSet": {"@id": f"files-{name}"}}
    fields = [_field(f"{name}/{c}", files | {"extract": {"column": c}}, feature) for c, feature in features.items()]
    regex = f"^.*{name}/({'|'.join(splits)})-.*$"
    split = _node(
        "cr:Field", f"{name}/split", dataType="sc:Text",
        source=files | {"extract": {"fileProperty": "fullpath"}, "transform": {"regex": regex}},
        **_reference("splits/name"),
    )  # fmt: skip
    return _node("cr:RecordSet", name, key={"@id": f"{name}/id"}, field=[*fields, split])


def _field(path: str, source: dict[str, Any], feature: Any) -> dict[str, Any]:
    """The field of a column, or of a part of its records, which has a JSON path in its `source`."""
    made = _node("cr:Field", path)
    if isinstance(feature, list):
        made |= {"isArray": True, "arrayShape": "-1", "repeated": True}
        feature = feature[0]
    if "_type" not in feature:
        inside = {key: source | {"transform": {"jsonPath": f"$.'{key}'"}} for key in feature}
        return made | {"subField": [_field(f"{path}/{key}", inside[key], part) for key, part in feature.items()]}
    while feature["_type"] == "Sequence":
        made |= {"isArray": True, "arrayShape": "-1"}
        feature = feature["feature"]
    if feature["_type"] != "ClassLabel":
        return made | {"dataType": f"sc:{_TYPES[feature['dtype']]}", "source": source}
    names, made = path.replace("/", "-"), made | {"dataType": "sc:Integer", "source": source}
    if not feature["names"]:
        return made
    # Readers join on a reference, which a list cannot be joined on.
    return made | ({"description": f"Ids of {names}."} if "isArray" in made else _reference(f"{names}/id"))


def _reference(field: str) -> dict[str, Any]:
    return {"references": {"field": {"@id": field}}}
