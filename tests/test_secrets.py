"""Secrets that are given to the builder are in no file, output, log or release, wherever they were given."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import pytest

from builder import cli, export, pipeline, verify
from builder.composing import compose
from builder.config import Composed
from builder.errors import ConfigError
from builder.release.manifest import Manifest
from builder.releases import GROUPS, _as_released
from builder.settings import leaves
from builder.tables import ARTICLES, CHUNKS
from tests.outcomes import short_exports
from tests.samples import Project

OPTIONS = ("key", "secret", "token", "password", "account_key", "sas_token", "connection_string", "client_kwargs.auth")
VARIABLES = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
    *("LABEL_STUDIO_API_KEY", "POSTGRE_PASSWORD", "DJANGO_SECRET_KEY", "SECRET_KEY", "GOOGLE_APPLICATION_CREDENTIALS"),
    *("AZURE_STORAGE_KEY", "NETRC", "PGPASSWORD", "SENTRY_DSN", "OPENAI_API_KEY", "GITHUB_TOKEN", "FSSPEC_S3_SECRET"),
)
ADDRESSES = ("paths.raw", "label_studio.url", "label_studio.proxy", "suggestions.url")
COUNT = iter(range(1000))


def secret() -> str:
    """A string that nothing else contains."""
    return f"s3cr3t-{next(COUNT):03d}-planted"


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    found = {name: secret() for name in VARIABLES}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    terminate = signal.getsignal(signal.SIGTERM)
    yield found
    signal.signal(signal.SIGTERM, terminate)


def everything(root: Path) -> bytes:
    """All names and contents below a folder."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return b"".join(str(path).encode() + path.read_bytes() for path in files)


def typed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *argv: str) -> str:
    monkeypatch.setattr(sys, "argv", ["builder", *argv])
    with pytest.raises(SystemExit):
        cli.main()
    said = capfd.readouterr()
    return said.out + said.err


def test_secrets_are_nowhere(
    tmp_path: Path, planted: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In options, in variables and in files, through every command that needs no server."""
    project = Project(tmp_path / "p", articles=3)
    token_file = tmp_path / "token"
    token_file.write_text(secret())
    options: dict[str, object] = {name: secret() for name in OPTIONS}
    planted |= {name: str(value) for name, value in options.items()} | {"token_file": token_file.read_text()}
    source = replace(project.config.source, storage_options=options)
    studio = replace(project.config.label_studio, token_file=str(token_file))
    project.config = replace(project.config, source=source, label_studio=studio)
    stage = pipeline.prepared(project.config)
    project.pull(stage.table("articles", ARTICLES).to_pylist(), stage.table("selected", CHUNKS).to_pylist())
    # The page is a part of the release that could hold a secret; opening the release writes nothing.
    monkeypatch.setattr("builder.release.export.check_loads", lambda *_: None)
    made = export(project.config)
    verify(project.config)
    said = repr((project.config.paths, made.manifest.changes))
    given = [f"++source.storage_options.{name}={value}" for name, value in options.items()]
    given += [f"paths.{name}={tmp_path / 'q' / name}" for name in ("workspace", "exports")]
    given += [f"paths.raw={project.config.paths.raw}", "dataset.name=sample"]
    for argv in (
        ["prepare", "--json"],
        ["prepare", "--cfg", "job"],
        ["status", "--json"],
        ["status", "-m", "split.seed=1,2"],
        ["labels"],
        ["validate"],
        ["export"],
        ["doctor", "--json"],
        ["people", "--json"],
        ["clean"],
        ["prepare", "chunking.max_tokens=0", "source.nope=1"],
        ["prepare", "paths.raw=s3://nowhere.invalid/x"],
    ):
        said += typed(monkeypatch, capfd, *argv, *given)
    found = everything(tmp_path / "p") + everything(tmp_path / "q") + said.encode()
    assert b"(secret)" in found
    assert len(found) > 100_000
    assert len(planted) >= 26
    assert [name for name, value in planted.items() if value.encode() in found] == []


def test_a_release_says_only_settings_that_leave_no_room_for_secrets_or_are_declared_for_it() -> None:
    """Everything of the groups that a release rests on, but for these."""
    private = {key for key, hint in leaves(Composed).items() if not hint.released and key.split(".")[0] in GROUPS}
    assert private == {
        "dataset.self_descriptions", "dataset.pull", "source.include", "source.exclude", "source.storage_options",
        "source.records", "chunking.tokenizer", "quality.asked", "quality.questions", "export.tokenizer",
        "export.private", "export.gated", "export.sign", "export.signers", "export.names",
        "labels",
    }  # fmt: skip


def test_private_settings_are_not_released_and_a_rebuild_does_not_ask_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, articles=3)
    hidden = [secret() for _ in range(3)]
    source = replace(project.config.source, include=["**/*", hidden[0]], exclude=[hidden[1]], records=hidden[2])
    config = replace(project.config, source=source)
    stage = pipeline.prepared(config)
    project.pull(stage.table("articles", ARTICLES).to_pylist(), stage.table("selected", CHUNKS).to_pylist())
    monkeypatch.setattr("builder.release.export.check_loads", lambda *_: None)
    made = export(config)
    assert made.manifest.configuration["source"] == {
        name: value
        for name, value in asdict(source).items()
        if name not in ("include", "exclude", "records", "storage_options")
    }
    assert [word for word in hidden if word.encode() in everything(made.folder)] == []
    assert verify(project.config).rebuilt == "same bytes"
    earlier = msgspec.json.decode(msgspec.json.encode(made.manifest), type=Manifest)
    earlier.configuration["source"] |= {"exclude": ["(private)"], "storage_options": {"key": "(private)"}, "gone": 1}
    earlier.configuration["source"]["shard_mb"] = 5
    assert _as_released(project.config, earlier, tmp_path).source == replace(source, shard_mb=5)
    elsewhere = replace(project.config, paths=replace(project.config.paths, workspace=str(tmp_path / "elsewhere")))
    assert _as_released(elsewhere, earlier, tmp_path).source == replace(project.config.source, shard_mb=5)


@pytest.mark.parametrize("form", ["https://me:{}@x.org/a", "http://{}@x.org"])
def test_an_address_with_a_secret_is_refused_and_not_shown(form: str) -> None:
    hidden = {setting: secret() for setting in ADDRESSES}
    with pytest.raises(ConfigError) as caught:
        compose("suggestions=http", *(f"{key}={form.format(value)}" for key, value in hidden.items()))
    assert {fault.key: fault.problem for fault in caught.value.faults} == dict.fromkeys(
        ADDRESSES, "it holds a user name or password."
    )
    assert [value for value in hidden.values() if value in str(caught.value)] == []


def test_options_of_the_wrong_form_are_not_shown() -> None:
    hidden = secret()
    with pytest.raises(ConfigError) as caught:
        compose(f"source.storage_options={hidden}")
    assert hidden not in str(caught.value)
    assert "source.storage_options" in str(caught.value)


def test_the_workspace_is_for_its_owner_alone_and_releases_are_not(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=3)
    stage = pipeline.prepared(project.config)
    project.pull(stage.table("articles", ARTICLES).to_pylist(), stage.table("selected", CHUNKS).to_pylist())
    with short_exports():
        made = export(project.config)
    pulls = project.config.dataset_folder / "pulls"
    ours = [path for path in project.config.workspace.rglob("*") if not path.is_relative_to(pulls)]
    assert len(ours) > 20
    assert [str(path) for path in ours if path.is_file() and path.stat().st_mode & 0o077] == []
    assert project.config.workspace.stat().st_mode & 0o777 == 0o700
    for path in made.folder.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    assert os.access(made.folder, os.R_OK)
