"""The configurations that a release may have. To add one: a file here, an entry below, tests."""

from collections.abc import Mapping
from dataclasses import replace

from builder.errors import ConfigError
from builder.release.configuration import ABOUT_ARTICLES, KEYS, STRING, WINDOW, Column, Configuration, Spec
from builder.release.configurations import annotations, answers, entities, evidence
from builder.release.settings import Export
from builder.scheme import Scheme

#: Kind to specification, in the order in which releases list their configurations.
SPECS: dict[str, Spec] = {
    "entities": entities.SPEC,
    "answers": answers.SPEC,
    "evidence": evidence.SPEC,
    "annotations": annotations.SPEC,
}


def declare(scheme: Scheme, settings: Export, earlier: Mapping[str, list[str]]) -> dict[str, Configuration]:
    """Every configuration that the scheme gives, by name; `earlier` has the labels of the release before."""
    about = [Column(name, STRING, ABOUT_ARTICLES[name], judged=True) for name in settings.metadata]
    declared = {}
    for kind, spec in SPECS.items():
        before = (*KEYS, WINDOW) if spec.texts == "windows" else KEYS
        for found in spec.declare(scheme, settings, earlier):
            declared[found.name] = replace(found, kind=kind, columns=(*before, *found.columns, *about))
    return declared


def chosen(declared: dict[str, Configuration], settings: Export) -> dict[str, Configuration]:
    """The configurations of `export.configs`, in its order, or all; raises `ConfigError` for an unknown one."""
    for name in settings.configs:
        if name not in declared:
            raise ConfigError(
                f"export.configs names {name!r}, which this scheme does not give.",
                f"Choose among {', '.join(declared)}, or leave it empty for all of them.",
            )
    return {name: declared[name] for name in settings.configs or declared}
