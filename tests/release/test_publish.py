"""A release reaches the Hub in one commit under a tag, once; nothing that people put there goes without being told."""

import base64
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from builder.commands.releases import publish, show_publish
from builder.config import Config, Dataset, Paths
from builder.errors import ConfigError, ReleaseError
from builder.release.manifest import Exported
from builder.release.publish import Published, publish_release
from builder.release.settings import Export
from tests.release.world import sample
from tests.samples import scheme

REPO = "newsroom/story"


@dataclass
class Hub:
    """A stand-in for the HTTP API of the Hub: one dataset repository in memory, with a commit per tag."""

    address: str = ""
    exists: bool = True
    private: bool = True
    gated: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    tagged: dict[str, dict[str, bytes]] = field(default_factory=dict)
    commits: list[list[str]] = field(default_factory=list)
    proposed: list[list[str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    refuse: bool = False
    #: Ends of paths that are answered with an error.
    refused: set[str] = field(default_factory=set)
    #: Whether the next tag is refused, as when a connection breaks between commit and tag.
    broken: bool = False

    @property
    def head(self) -> str:
        return f"{len(self.commits):040x}"

    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        base = f"/api/datasets/{REPO}"
        if self.refuse or path.endswith(tuple(self.refused)):
            return 403, {"error": "no"}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path == "/api/repos/create":
            asked = json.loads(body)
            self.exists, self.private = True, asked.get("private") or asked.get("visibility") == "private"
            return 200, {"url": f"{self.address}/datasets/{REPO}", "id": REPO}
        if not self.exists:
            return 404, {"error": "Repository not found"}
        if path == base:
            return 200, {
                "id": REPO,
                "sha": self.head,
                "private": self.private,
                "siblings": [*map(self._entry, self.files)],
            }
        if path == f"{base}/settings":
            self.gated = json.loads(body)["gated"]
            return 200, {}
        if path == f"{base}/refs":
            tags = [{"name": t, "ref": f"refs/tags/{t}", "targetCommit": c} for t, c in self.tags.items()]
            return 200, {"branches": [], "converts": [], "tags": tags}
        if path.startswith(f"/datasets/{REPO}/resolve/"):
            revision, name = path.removeprefix(f"/datasets/{REPO}/resolve/").split("/", 1)
            return 200, self.tagged.get(revision, self.files)[name]
        if path == f"{base}/preupload/main":
            asked = json.loads(body)["files"]
            return 200, {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]}
        if path == f"{base}/commit/main":
            return self._commit([json.loads(line) for line in body.splitlines()], "create_pr=1" in query)
        if path.startswith(f"{base}/tag/"):
            if self.broken:
                self.broken = False
                return 500, {"error": "broken"}
            tag = json.loads(body)["tag"]
            self.tags[tag], self.tagged[tag] = path.rsplit("/", 1)[1], dict(self.files)
            return 200, {}
        return 404, {"error": path}

    def _entry(self, path: str) -> dict[str, Any]:
        content = self.files[path]
        entry: dict[str, Any] = {"rfilename": path, "size": len(content)}
        if path.endswith(".parquet"):
            sha256 = hashlib.sha256(content).hexdigest()
            return {**entry, "blobId": "0" * 40, "lfs": {"sha256": sha256, "size": len(content), "pointerSize": 1}}
        return {**entry, "blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()}

    def _commit(self, lines: list[dict[str, Any]], proposed: bool) -> tuple[int, Any]:
        done, files = [], dict(self.files)
        for line in lines:
            value = line["value"]
            if line["key"] == "header" and value.get("parentCommit") not in (None, self.head):
                return 412, {"error": "the branch moved"}
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
            if line["key"] != "header":
                done.append(f"{line['key']} {value['path']}")
        made = {"commitUrl": f"{self.address}/datasets/{REPO}/commit/{len(self.commits) + 1:040x}", "success": True}
        made["commitOid"] = f"{len(self.commits) + 1:040x}"
        if proposed:
            self.proposed.append(done)
            return 200, {**made, "pullRequestUrl": f"{self.address}/datasets/{REPO}/discussions/1"}
        self.files = files
        self.commits.append(done)
        return 200, made


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    held = Hub()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            path, _, query = self.path.partition("?")
            held.requests.append(f"{self.command} {path}")
            status, answer = held.answer(self.command, path, query, body)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            if status == 404:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("X-Repo-Commit", held.head)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.005], daemon=True)
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


def released(root: Path, comment: str = "", **changes: Any) -> Exported:
    world = sample(root, 3, **changes)
    if comment:
        world.dissent[2, world.chunk(2, 0)] = {"comment": comment}
    return world.export()


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exported, Exported]:
    """A release and the corrected one after it, in folders that tests only read."""
    root = tmp_path_factory.mktemp("both")
    return released(root), released(root, "corrected")


@pytest.fixture
def first(releases: tuple[Exported, Exported]) -> Exported:
    return releases[0]


@pytest.fixture
def second(releases: tuple[Exported, Exported]) -> Exported:
    return releases[1]


@pytest.fixture
def exported(first: Exported, tmp_path: Path) -> Path:
    """A folder in which exports/ has a copy of the first release alone."""
    shutil.copytree(first.folder, tmp_path / "exports/sample" / first.folder.name)
    return tmp_path


def send(made: Exported, hub: Hub, upload: bool = True, **how: Any) -> Published:
    settings = Export(repo=REPO, private=how.pop("private", True), gated=how.pop("gated", "no"))
    return publish_release(made.folder, made.manifest, settings, upload=upload, **how, endpoint=hub.address)


def contents(made: Exported) -> dict[str, bytes]:
    root = made.folder
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_release_is_one_commit_and_a_tag(first: Exported, hub: Hub) -> None:
    hub.exists = False
    done = send(first, hub)
    assert hub.files == contents(first)
    assert hub.private
    assert len(hub.commits) == 1
    assert hub.tags == {"v1.0.0": done.commit}
    assert done == Published(REPO, "v1.0.0", True, done.commit, added=sorted(hub.files))
    assert hub.gated == ""


def test_publishing_again_does_nothing(first: Exported, hub: Hub) -> None:
    send(first, hub)
    assert send(first, hub) == Published(REPO, "v1.0.0")
    assert len(hub.commits) == 1


def test_an_upload_that_broke_off_in_its_commit_is_done_by_the_next(
    first: Exported, second: Exported, hub: Hub
) -> None:
    send(first, hub)
    hub.refused.add("/commit/main")
    with pytest.raises(ReleaseError, match="run again: files that arrived are not sent again"):
        send(second, hub)
    assert (len(hub.commits), list(hub.tags)) == (1, ["v1.0.0"])
    hub.refused.clear()
    assert send(second, hub).new
    assert (len(hub.commits), list(hub.tags)) == (2, ["v1.0.0", "v1.0.1"])
    assert {k: v for k, v in hub.files.items() if k in contents(second)} == contents(second)
    assert hub.tagged["v1.0.0"] == contents(first)


def test_an_upload_that_broke_off_before_its_tag_gets_it_without_another_commit(first: Exported, hub: Hub) -> None:
    hub.broken = True
    with pytest.raises(ReleaseError, match="run again"):
        send(first, hub)
    assert (len(hub.commits), hub.tags) == (1, {})
    done = send(first, hub)
    assert (done.added, done.changed, done.deleted) == ([], [], [])
    assert (len(hub.commits), hub.tags) == (1, {"v1.0.0": hub.head})


def test_the_next_release_takes_the_place_of_the_last_and_leaves_what_people_put_there(
    first: Exported, second: Exported, hub: Hub
) -> None:
    send(first, hub)
    hub.files |= {"LICENSE": b"ours", ".gitattributes": b"", "stance/old.parquet": b"theirs"}
    gone = sorted({file.path for file in first.manifest.files} - {file.path for file in second.manifest.files})
    shown = send(second, hub, upload=False)
    assert json.loads(hub.files["manifest.json"])["version"] == "1.0.0"
    done = send(second, hub)
    assert (shown.added, shown.changed, shown.deleted, shown.kept) == (
        done.added,
        done.changed,
        done.deleted,
        done.kept,
    )
    assert (done.kept, done.deleted) == (["LICENSE", "stance/old.parquet"], gone)
    assert {"README.md", "manifest.json", "CHANGELOG.md", "croissant.json"} <= set(done.changed)
    assert not any(path.startswith("stance/") for path in done.changed)
    assert list(hub.tags) == ["v1.0.0", "v1.0.1"]
    assert {k: v for k, v in hub.files.items() if k in contents(second)} == contents(second)
    assert {"LICENSE", ".gitattributes"} <= hub.files.keys()
    assert sorted(hub.commits[1]) == sorted(f"file {path}" for path in (*done.added, *done.changed))


def test_foreign_files_go_when_that_is_asked(first: Exported, hub: Hub) -> None:
    hub.files = {"LICENSE": b"ours", ".gitattributes": b""}
    done = send(first, hub, prune=True)
    assert (done.deleted, done.kept) == (["LICENSE"], [])
    assert hub.files.keys() == contents(first).keys() | {".gitattributes"}


def test_an_older_release_is_refused_but_may_be_proposed(first: Exported, second: Exported, hub: Hub) -> None:
    send(second, hub)
    with pytest.raises(ReleaseError, match=r"holds v1\.0\.1, which is newer than v1\.0\.0"):
        send(first, hub)
    done = send(first, hub, pull_request=True)
    assert done.pull_request.endswith("/discussions/1")
    assert (len(hub.commits), len(hub.proposed), list(hub.tags)) == (1, 1, ["v1.0.1"])
    hub.tags.clear()
    assert not send(second, hub, pull_request=True).new
    assert hub.tags == {}


def test_another_dataset_is_refused(first: Exported, tmp_path: Path, hub: Hub) -> None:
    send(first, hub)
    hub.tags.clear()
    other = released(tmp_path, dataset=Dataset(name="other", license="mit"))
    with pytest.raises(ReleaseError, match="holds sample, not other"):
        send(other, hub)


def test_a_tag_with_other_contents_is_refused(first: Exported, tmp_path: Path, hub: Hub) -> None:
    send(first, hub)
    with pytest.raises(ReleaseError, match=r"has a tag v1\.0\.0 with other contents"):
        send(released(tmp_path, "another first release"), hub)


def test_a_public_repository_is_refused_when_private_is_asked(first: Exported, hub: Hub) -> None:
    hub.private = False
    with pytest.raises(ReleaseError, match=r"is public, and export\.private is true"):
        send(first, hub)
    assert not hub.commits
    assert send(first, hub, private=False, gated="manual").new
    assert hub.gated == "manual"


def test_a_refusal_is_said_without_the_token(first: Exported, hub: Hub) -> None:
    hub.refuse = True
    with pytest.raises(ReleaseError, match="did not take") as raised:
        send(first, hub)
    assert "hf_secret" not in str(raised.value)


def test_a_hub_that_does_not_answer_is_said(first: Exported, hub: Hub) -> None:
    hub.address = "http://127.0.0.1:9"
    with pytest.raises(ReleaseError, match="did not take"):
        send(first, hub)


def config(root: Path, repo: str = REPO) -> Config:
    paths = Paths(str(root / "raw"), str(root / "workspace"), str(root / "exports"))
    return Config(paths=paths, dataset=Dataset(name="sample"), labels=scheme(), export=Export(repo=repo))


def test_a_dry_run_only_reads(exported: Path, hub: Hub) -> None:
    hub.exists = False
    found = publish(config(exported))
    assert (found.new, found.commit, found.tag) == (False, "", "v1.0.0")
    assert {"README.md", "manifest.json"} <= set(found.added)
    hub.exists, hub.files = True, {"LICENSE": b"ours", "README.md": b"theirs"}
    found = publish(config(exported))
    assert (found.changed, found.deleted, found.kept) == (["README.md"], [], ["LICENSE"])
    assert {line.split()[0] for line in hub.requests} <= {"GET", "HEAD"}
    said = list(show_publish(found))
    assert "  keep   LICENSE" in said
    counted = f"{len(found.added)} to add, 1 to change, 1 to keep"
    assert said[-1] == f"publish: {REPO} v1.0.0: {counted}; add --upload to do it."


def test_without_a_repository_a_dry_run_lists_the_files(exported: Path, first: Exported, hub: Hub) -> None:
    assert publish(config(exported, "")).added == sorted(contents(first))
    assert not hub.requests


def test_the_command_uploads_to_the_repository_of_the_settings(exported: Path, hub: Hub) -> None:
    assert publish(config(exported), upload=True).new
    assert hub.tags


def test_without_a_repository_the_setting_is_named(exported: Path, hub: Hub) -> None:
    with pytest.raises(ConfigError, match=r"export\.repo"):
        publish(config(exported, ""), upload=True)


def test_a_damaged_release_is_not_published(exported: Path, hub: Hub) -> None:
    (exported / "exports/sample/v1.0.0/README.md").write_text("something else", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"README\.md"):
        publish(config(exported), upload=True)
    assert not hub.requests
