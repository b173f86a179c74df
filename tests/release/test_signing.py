"""Manifests are signed by SSH keys, and the signature of another manifest, of a stranger or of nobody is found."""

import subprocess
from pathlib import Path

import pytest

from builder.errors import ReleaseError
from builder.release.manifest import read
from builder.release.publish import publish_release
from builder.release.settings import Export
from builder.release.signing import SIGNATURE, sign, signer
from builder.release.verify import check_files
from tests.release.world import sample


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys of ada and ben, and a file in which ada may sign."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ada", "ben"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "signers").write_text(f"ada@example.org {(folder / 'ada.pub').read_text()}", "utf-8")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    return tmp_path


def test_it_is_said_who_signed(root: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(keys)
    sign(root, "ada")
    key = subprocess.run(["ssh-keygen", "-lf", "ada.pub"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert signer(root, "") == f"with ED25519 key {key}"
    assert signer(root, "signers") == f"ada@example.org with ED25519 key {key}"


def test_without_a_key_nothing_is_signed_and_an_old_signature_goes(root: Path, keys: Path) -> None:
    sign(root, str(keys / "ada"))
    sign(root, "")
    assert not (root / SIGNATURE).exists()
    assert signer(root, "") == ""
    with pytest.raises(ReleaseError, match="is not signed"):
        signer(root, str(keys / "signers"))


@pytest.mark.parametrize("signers", ["", "signers"])
def test_another_manifest_is_found(root: Path, keys: Path, signers: str) -> None:
    sign(root, str(keys / "ada"))
    (root / "manifest.json").write_text("{ }", "utf-8")
    with pytest.raises(ReleaseError, match=r"signature of .* does not hold: .*incorrect signature"):
        signer(root, signers and str(keys / signers))


def test_a_stranger_is_found(root: Path, keys: Path) -> None:
    sign(root, str(keys / "ben"))
    assert signer(root, "").startswith("with ED25519 key")
    with pytest.raises(ReleaseError, match="does not hold"):
        signer(root, str(keys / "signers"))


def test_a_key_that_cannot_sign_is_named(root: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReleaseError, match=r"export\.sign=nowhere cannot sign: .*No such file"):
        sign(root, "nowhere")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ReleaseError, match="ssh-keygen is not installed"):
        sign(root, str(keys / "ada"))


def test_releases_are_signed_when_they_are_made_completed_and_published(tmp_path: Path, keys: Path) -> None:
    world = sample(tmp_path, 3)
    ada, ben = (Export(sign=str(keys / name)) for name in ("ada", "ben"))
    plain = world.export()
    assert not (plain.folder / SIGNATURE).exists()
    assert publish_release(plain.folder, plain.manifest, Export(), upload=False).added.count(SIGNATURE) == 0
    made = world.export(ada)
    assert (made.new, made.folder) == (False, plain.folder)
    signed = (made.folder / SIGNATURE).read_bytes()
    assert signer(made.folder, str(keys / "signers")).startswith("ada@example.org ")
    assert check_files(made.folder, made.manifest.files) == []
    assert SIGNATURE in publish_release(made.folder, made.manifest, Export(), upload=False).added
    world.export(ben)
    assert (made.folder / SIGNATURE).read_bytes() == signed
    more = world.export(Export(sign=ada.sign, formats=["jsonl"])).folder
    assert signer(more, str(keys / "signers")).startswith("ada@example.org ")
    assert (more / SIGNATURE).read_bytes() != signed
    assert "sign" not in read(more).configuration["export"]
    world.dissent[2, world.chunk(2, 0)] = {"comment": "corrected"}
    assert signer(world.export(ada).folder, str(keys / "signers")).startswith("ada@example.org ")
