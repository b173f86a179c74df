"""Signatures of manifests by SSH keys, made and checked by OpenSSH: anybody can check them without the builder."""

import subprocess
from pathlib import Path

from builder.errors import ReleaseError

SIGNATURE = "manifest.json.sig"
_NAMESPACE = "dataset-release"


def sign(root: Path, key: str) -> None:
    """manifest.json is signed by this key, or by none when it is empty; raises `ReleaseError` when that fails."""
    (root / SIGNATURE).unlink(missing_ok=True)
    if key:
        done = _openssh(root, "sign", "-f", _absolute(key), "-n", _NAMESPACE, "manifest.json")
        if done.returncode:
            raise ReleaseError(f"export.sign={key} cannot sign: {_said(done)}.", "Name the file of your SSH key.")


def signer(root: Path, signers: str) -> str:
    """Who signed the manifest: a name in the file of allowed signers and the key, or the key alone without such a file.

    Empty when it is not signed. Raises `ReleaseError` when the signature is of another manifest or, with a file, of
    nobody in it or missing.
    """
    if not (root / SIGNATURE).exists():
        if signers:
            raise ReleaseError(f"{root} is not signed.", "Get it from those who sign it, or set export.signers to ''.")
        return ""
    how = ["check-novalidate"]
    if signers:
        found = _openssh(root, "find-principals", "-f", _absolute(signers), "-s", SIGNATURE)
        how = ["verify", "-f", _absolute(signers), "-I", found.stdout.partition("\n")[0]]
    done = _openssh(root, *how, "-n", _NAMESPACE, "-s", SIGNATURE)
    if done.returncode:
        raise ReleaseError(f"The signature of {root} does not hold: {_said(done)}.", "Do not trust it; get it again.")
    return done.stdout.strip().partition(" signature ")[2].removeprefix("for ")


def _openssh(root: Path, *how: str) -> subprocess.CompletedProcess[str]:
    try:
        with (root / "manifest.json").open("rb") as manifest:
            return subprocess.run(
                ["ssh-keygen", "-Y", *how], cwd=root, stdin=manifest, capture_output=True, text=True, check=False
            )
    except FileNotFoundError as e:
        raise ReleaseError("ssh-keygen is not installed.", "Install OpenSSH, with which manifests are signed.") from e


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(f"{done.stdout} {done.stderr}".split()).rstrip(".")
