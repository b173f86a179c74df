"""croissant.json: the release described for machines, after MLCommons Croissant 1.0 and its responsible-AI terms."""

from typing import Any

from builder.release.features import Features

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {
    "string": "sc:Text",
    "int32": "sc:Integer",
    "int64": "sc:Integer",
    "float64": "sc:Float",
    "bool": "sc:Boolean",
}


def croissant(
    manifest: dict[str, Any], dataset: dict[str, Any], files: list[dict[str, Any]], day: str
) -> dict[str, Any]:
    """The description, with one record set a configuration. `files` are those of the manifest, with their hashes.

    Nested columns (lists of records) are left to the Parquet files: Croissant 1.0 cannot say them.
    """
    data = [f for f in files if f["path"].endswith(".parquet") and f["path"].split("/")[0] in manifest["configs"]]
    counts = manifest["counts"]
    platform = "Label Studio"
    if manifest["pull"]["server_version"]:
        platform += f" {manifest['pull']['server_version']}"
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": manifest["name"],
        "description": dataset["description"] or f"Entities and stances in news, release {manifest['version']}.",
        "version": manifest["version"],
        "license": dataset["license"],
        "inLanguage": dataset["language"],
        "url": f"./{manifest['name']}",
        "datePublished": day,
        "citeAs": dataset["citation"] or manifest["name"],
        "rai:dataAnnotationPlatform": platform,
        "rai:dataAnnotationProtocol": manifest["configuration"]["labels"]["guidelines"],
        "rai:dataAnnotationAnalysis": [f"{name}: {value:.3g}" for name, value in manifest["agreement"].items()],
        "rai:annotationsPerItem": str(round(sum(counts["annotations"].values()) / max(counts["chunks"], 1), 2)),
        "rai:annotatorDemographics": f"{counts['annotators']} annotators; nothing else about them is recorded",
        "rai:machineAnnotationTools": [],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": facts["path"],
                "name": facts["path"],
                "contentUrl": facts["path"],
                "contentSize": f"{facts['bytes']} B",
                "encodingFormat": "application/x-parquet",
                "sha256": facts["sha256"],
            }
            for facts in data
        ]
        + [
            {
                "@type": "cr:FileSet",
                "@id": f"files-{name}",
                "name": f"files-{name}",
                "encodingFormat": "application/x-parquet",
                "includes": f"{name}/*.parquet",
            }
            for name in manifest["configs"]
        ],
        "recordSet": [_records(name, facts["features"], data) for name, facts in manifest["configs"].items()],
    }


def _records(name: str, features: Features, files: list[dict[str, Any]]) -> dict[str, Any]:
    fields = [_field(name, column, feature) for column, feature in features.items() if _kind(feature) is not None]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "key": {"@id": f"{name}/id"}, "field": fields}


def _kind(feature: Any) -> tuple[str, bool] | None:
    """Croissant type, and whether the field repeats; None for what cannot be said."""
    if isinstance(feature, list):
        return None
    kind = feature.get("_type")
    if kind == "Value":
        return _TYPES.get(feature["dtype"], "sc:DateTime"), False
    if kind == "ClassLabel":
        return "sc:Integer", False
    inner = _kind(feature["feature"]) if kind == "Sequence" else None
    return None if inner is None else (inner[0], True)


def _field(name: str, column: str, feature: Any) -> dict[str, Any]:
    kind = _kind(feature)
    assert kind is not None
    return {
        "@type": "cr:Field",
        "@id": f"{name}/{column}",
        "name": f"{name}/{column}",
        "dataType": kind[0],
        **({"repeated": True} if kind[1] else {}),
        "source": {"fileSet": {"@id": f"files-{name}"}, "extract": {"column": column}},
    }
