"""Who annotates which chunk when every annotator has a project of their own."""

import hashlib
from collections.abc import Mapping, Sequence


def assign(
    sizes: Mapping[str, int], annotators: Sequence[str], overlap: int, earlier: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Chunk id -> the `overlap` annotators who get it, with equal shares of the text up to one chunk.

    `sizes` are the chunks' lengths in code points. What `earlier` says stays, also of annotators who are not
    among these; a chunk short of annotators gets more. The same arguments give the same answer, in whatever order they
    come.

    >>> assign({"a": 5, "b": 5, "c": 5}, ["x", "y", "z"], 1, {"a": ["x"]})
    {'a': ['x'], 'b': ['z'], 'c': ['y']}
    """
    load = dict.fromkeys(annotators, 0)
    plan = {chunk: list(earlier.get(chunk, ())) for chunk in sizes}
    for chunk, names in plan.items():
        for name in names:
            if name in load:
                load[name] += sizes[chunk]
    # Long chunks first: what remains to even out at the end is short.
    for chunk in sorted(sizes, key=lambda c: (-sizes[c], c)):
        names = plan[chunk]
        free = [name for name in load if name not in names]
        free.sort(key=lambda name: (load[name], _draw(chunk, name)))
        for name in free[: max(0, overlap - len(names))]:
            names.append(name)
            load[name] += sizes[chunk]
        names.sort()
    return dict(sorted(plan.items()))


def _draw(chunk: str, name: str) -> bytes:
    """Breaks ties without a bias toward the first in the alphabet."""
    return hashlib.sha256(f"{chunk} {name}".encode()).digest()
