"""croissant.json: the release described for machines, after MLCommons Croissant 1.0 and its responsible-AI terms."""

from typing import Any

from builder.release.features import Features, croissant_type
from builder.release.manifest import Manifest

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


def croissant(manifest: Manifest, day: str) -> dict[str, Any]:
    """The description, with one record set per configuration with rows. `manifest.files` holds the data files.

    Lists of records are left to the Parquet files: Croissant 1.0 cannot describe them.
    """
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
            {
                "@type": "cr:FileObject",
                "@id": file.path,
                "name": file.path,
                "contentUrl": file.path,
                "contentSize": f"{file.bytes} B",
                "encodingFormat": "application/x-parquet",
                "sha256": file.sha256,
            }
            for file in data
        ]
        + [
            {
                "@type": "cr:FileSet",
                "@id": f"files-{name}",
                "name": f"files-{name}",
                "encodingFormat": "application/x-parquet",
                "includes": f"{name}/*.parquet",
            }
            for name in filled
        ],
        "recordSet": [_records(name, found.features) for name, found in filled.items()],
    }


def _records(name: str, features: Features) -> dict[str, Any]:
    fields = [_field(name, column, *kind) for column, feature in features.items() if (kind := croissant_type(feature))]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "key": {"@id": f"{name}/id"}, "field": fields}


def _field(name: str, column: str, kind: str, repeated: bool) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{name}/{column}",
        "name": f"{name}/{column}",
        "dataType": kind,
        **({"repeated": True} if repeated else {}),
        "source": {"fileSet": {"@id": f"files-{name}"}, "extract": {"column": column}},
    }
