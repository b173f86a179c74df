"""Runs the benchmarks of one area or of all, each in a process of its own, and fails when a ratio is short."""

import subprocess
import sys

AREAS = ("corpus", "label_studio", "quality", "release", "report")

if __name__ == "__main__":
    areas = sys.argv[1:] or list(AREAS)
    if unknown := [area for area in areas if area not in AREAS]:
        sys.exit(f"No benchmark area {unknown[0]!r}; choose from {', '.join(AREAS)}.")
    failed = [area for area in areas if subprocess.run([sys.executable, "-m", f"tests.benchmarks.{area}"]).returncode]
    sys.exit(1 if failed else 0)
