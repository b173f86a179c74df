"""A release reaches the Hub in one commit under a tag, once; nothing is sent without being asked to."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from builder.commands.publish import publish
from builder.config import Config, Dataset, Paths
from builder.errors import ConfigError, ReleaseError
from builder.release.export import Exported
from builder.release.settings import Export
from builder.release.versions import Published, upload
from tests.release.world import sample
from tests.samples import scheme

REPO = "newsroom/story"


@dataclass
class Hub:
    """A stand-in for the HTTP API of the Hub: one dataset repository in memory."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    commits: list[list[str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    refuse: bool = False

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        base = f"/api/datasets/{REPO}"
        if self.refuse:
            return 403, {"error": "no"}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path == "/api/repos/create":
            return 200, {"url": f"{self.address}/datasets/{REPO}", "id": REPO}
        if path == f"{base}/refs":
            tags = [{"name": t, "ref": f"refs/tags/{t}", "targetCommit": c} for t, c in self.tags.items()]
            return 200, {"branches": [], "converts": [], "tags": tags}
        if path.startswith(f"{base}/tree/main"):
            return 200, [{"type": "file", "path": p, "size": len(b), "oid": "0" * 40} for p, b in self.files.items()]
        if path.startswith(f"{base}/revision/main"):
            return 200, {"id": REPO, "sha": "f" * 40, "siblings": [{"rfilename": p} for p in self.files]}
        if path == f"{base}/preupload/main":
            asked = json.loads(body)["files"]
            return 200, {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]}
        if path == f"{base}/commit/main":
            return 200, self._commit([json.loads(line) for line in body.splitlines()])
        if path.startswith(f"{base}/tag/"):
            self.tags[json.loads(body)["tag"]] = path.rsplit("/", 1)[1]
            return 200, {}
        return 404, {"error": path}

    def _commit(self, lines: list[dict[str, Any]]) -> dict[str, Any]:
        done = []
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del self.files[value["path"]]
            done.append(f"{line['key']} {value.get('path', '')}".strip())
        self.commits.append(done)
        oid = f"{len(self.commits):040x}"
        return {"commitUrl": f"{self.address}/datasets/{REPO}/commit/{oid}", "commitOid": oid, "success": True}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    held = Hub()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            path = self.path.split("?")[0]
            held.requests.append(f"{self.command} {path}")
            status, answer = held.answer(self.command, path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    held.address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("HF_ENDPOINT", held.address)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    yield held
    server.shutdown()
    server.server_close()
    thread.join()


def released(tmp_path: Path, comment: str = "") -> Exported:
    world = sample(tmp_path, 3)
    if comment:
        world.dissent[2, world.chunk(2, 0)] = {"comment": comment}
    return world.export()


def send(made: Exported, hub: Hub) -> Published:
    return upload(made.folder, made.manifest, REPO, True, hub.address)


def test_a_release_is_one_commit_and_a_tag(tmp_path: Path, hub: Hub) -> None:
    made = released(tmp_path)
    hub.files = {".gitattributes": b"", "old.parquet": b"x", "data/.gitattributes": b"y"}
    done = send(made, hub)
    root = made.folder
    expected = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    assert hub.files == expected | {".gitattributes": b""}
    assert len(hub.commits) == 1
    assert hub.tags == {"v1.0.0": done.commit}
    assert (done.repo, done.tag, done.new, done.files) == (REPO, "v1.0.0", True, sorted(expected))


def test_publishing_again_does_nothing(tmp_path: Path, hub: Hub) -> None:
    made = released(tmp_path)
    send(made, hub)
    assert send(made, hub) == Published(REPO, "v1.0.0")
    assert len(hub.commits) == 1


def test_the_next_release_takes_the_place_of_the_last(tmp_path: Path, hub: Hub) -> None:
    send(released(tmp_path), hub)
    send(released(tmp_path, "corrected"), hub)
    assert list(hub.tags) == ["v1.0.0", "v1.0.1"]
    assert json.loads(hub.files["manifest.json"])["version"] == "1.0.1"
    assert len(hub.commits) == 2


def test_a_refusal_is_said_without_the_token(tmp_path: Path, hub: Hub) -> None:
    made = released(tmp_path)
    hub.refuse = True
    with pytest.raises(ReleaseError, match="did not take") as raised:
        send(made, hub)
    assert "hf_secret" not in str(raised.value)


def test_a_hub_that_does_not_answer_is_said(tmp_path: Path, hub: Hub) -> None:
    made = released(tmp_path)
    with pytest.raises(ReleaseError, match="did not take"):
        upload(made.folder, made.manifest, REPO, True, "http://127.0.0.1:9")


def config(tmp_path: Path, repo: str = REPO) -> Config:
    paths = Paths(str(tmp_path / "raw"), str(tmp_path / "workspace"), str(tmp_path / "exports"))
    return Config(paths=paths, dataset=Dataset(name="sample"), labels=scheme(), export=Export(repo=repo))


def test_a_dry_run_sends_nothing(tmp_path: Path, hub: Hub) -> None:
    released(tmp_path)
    found = publish(config(tmp_path))
    assert (found.new, found.commit, found.tag) == (False, "", "v1.0.0")
    assert {"README.md", "manifest.json"} <= set(found.files)
    assert not hub.requests


def test_the_command_uploads_to_the_repository_of_the_settings(tmp_path: Path, hub: Hub) -> None:
    released(tmp_path)
    assert publish(config(tmp_path), upload=True).new
    assert hub.tags


def test_without_a_repository_the_setting_is_named(tmp_path: Path, hub: Hub) -> None:
    released(tmp_path)
    with pytest.raises(ConfigError, match=r"export\.repo"):
        publish(config(tmp_path, ""), upload=True)


def test_a_damaged_release_is_not_published(tmp_path: Path, hub: Hub) -> None:
    (released(tmp_path).folder / "README.md").write_text("something else", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"README\.md"):
        publish(config(tmp_path), upload=True)
    assert not hub.requests
