"""croissant.json: the release described for machines, after MLCommons Croissant 1.0 and its responsible-AI terms."""

from typing import Any

from builder.release.features import Features
from builder.release.manifest import Manifest

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {
    name: f"cr:{name}"
    for name in (
        "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
        "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references",
        "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
    )
}  # fmt: skip
_TYPES = {"string": "Text", "int32": "Integer", "int64": "Integer", "float64": "Float", "bool": "Boolean"}


def croissant(manifest: Manifest, day: str) -> dict[str, Any]:
    """One record set per configuration with rows. Croissant 1.0 cannot describe lists of records: they are left out."""
    counts, dataset = manifest.counts, manifest.configuration["dataset"]
    filled = {name: found for name, found in manifest.configs.items() if found.splits}
    data = [f for f in manifest.files if f.path.endswith(".parquet") and f.path.split("/")[0] in filled]
    platform = " ".join(filter(None, ("Label Studio", manifest.pull.server_version)))
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": manifest.name,
        "description": dataset["description"] or f"Labelled news texts, release {manifest.version}.",
        "version": manifest.version,
        "license": dataset["license"],
        "inLanguage": dataset["language"],
        "url": f"./{manifest.name}",
        "datePublished": day,
        "citeAs": dataset["citation"] or manifest.name,
        "rai:dataAnnotationPlatform": platform,
        "rai:dataAnnotationProtocol": manifest.configuration["labels"]["guidelines"],
        "rai:dataAnnotationAnalysis": [f"{name}: {value:.3g}" for name, value in manifest.agreement.items()],
        "rai:annotationsPerItem": str(round(sum(counts.annotations.values()) / max(counts.windows, 1), 2)),
        "rai:annotatorDemographics": f"{counts.annotators} annotators; nothing else about them is recorded",
        "rai:machineAnnotationTools": [],
        "distribution": [
            _distributed("cr:FileObject", file.path)
            | {"contentUrl": file.path, "contentSize": f"{file.bytes} B", "sha256": file.sha256}
            for file in data
        ]
        + [_distributed("cr:FileSet", f"files-{name}") | {"includes": f"{name}/*.parquet"} for name in filled],
        "recordSet": [_records(name, found.features) for name, found in filled.items()],
    }


def _distributed(kind: str, name: str) -> dict[str, Any]:
    return {"@type": kind, "@id": name, "name": name, "encodingFormat": "application/x-parquet"}


def _records(name: str, features: Features) -> dict[str, Any]:
    fields = [_field(name, column, *kind) for column, feature in features.items() if (kind := _type(feature))]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "key": {"@id": f"{name}/id"}, "field": fields}


def _type(feature: Any) -> tuple[str, bool] | None:
    """The type of a feature, and whether it repeats; None for records."""
    kind = feature.get("_type") if isinstance(feature, dict) else None
    if kind == "Value":
        return f"sc:{_TYPES.get(feature['dtype'], 'DateTime')}", False
    if kind == "ClassLabel":
        return "sc:Integer", False
    inner = _type(feature["feature"]) if kind == "Sequence" else None
    return inner and (inner[0], True)


def _field(name: str, column: str, kind: str, repeated: bool) -> dict[str, Any]:
    made = {"@type": "cr:Field", "@id": f"{name}/{column}", "name": f"{name}/{column}", "dataType": kind}
    source = {"fileSet": {"@id": f"files-{name}"}, "extract": {"column": column}}
    return {**made, **({"repeated": True} if repeated else {}), "source": source}
