# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which sources of XNNPACK a program needs: `reachable.py ROOTS CANDIDATES`, run by CMake.

Both arguments are files with one path a line. From every name that the roots mention the search goes on
to the function or table of that name in the candidates, and to the names in its body. It reads text, no
preprocessor runs: what another platform would call is followed too, so too much is found, never too
little (and what is missing does not link). Prints the candidates that define something that is reached.

XNNPACK has a microkernel for each datatype, operation and instruction set, in a file of its own, and one
configuration function chooses among those of a datatype and operation at run time. All of these are
found, whatever CPU this is; those of datatypes and operations that nobody calls are left out.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

NAME = re.compile(r"[A-Za-z_]\w*")
# Comments, strings and characters.
OPAQUE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
# What opens a block of definitions; it is `extern {` where the string is gone.
BLOCK = re.compile(r"\b(?:extern|namespace(?:\s+\w+)?)\s*\{")
# XNNPACK's way to run init_NAME_config() once.
ONCE = re.compile(r"\bXNN_INIT_ONCE\((\w+)\)")

# A name, and the file that it is known in; "" is every file.
Symbol = tuple[str, str]


def items(code: str) -> Iterator[str]:
    """The definitions and declarations of a C or C++ file."""
    depth, start = 0, 0
    for match in re.finditer(r"[{};]", code):
        depth = max(0, depth + {"{": 1, "}": -1, ";": 0}[match[0]])
        if depth == 0 and match[0] != "{":
            yield code[start : match.end()]
            start = match.end()


def defined(item: str) -> tuple[str, bool]:
    """The function or variable that an item defines, and whether only its file knows it.

    Its name is the word before `(`, `[`, `=`, `{` or `;`.
    """
    head = NAME.findall(re.split(r"[{(\[=;]", item, maxsplit=1)[0])
    return (head[-1] if head else ""), "static" in head


def names(text: str) -> set[str]:
    """Every name in a text, and those that XNN_INIT_ONCE makes of them."""
    return set(NAME.findall(text)) | {f"init_{name}_config" for name in ONCE.findall(text)}


def read(path: str) -> str:
    """A source file without comments and strings."""
    return OPAQUE.sub(" ", Path(path).read_text("utf-8"))


def main(roots: Path, candidates: Path) -> None:
    """Print the candidates that the roots need."""
    files: dict[Symbol, set[str]] = defaultdict(set)
    mentioned: dict[Symbol, set[Symbol]] = defaultdict(set)
    for path in candidates.read_text("utf-8").split():
        source = read(path)
        macros = names(" ".join(DIRECTIVE.findall(source)))
        for item in items(BLOCK.sub(" ", DIRECTIVE.sub(" ", source))):
            name, local = defined(item)
            symbol = (name, path if local else "")
            files[symbol].add(path)
            mentioned[symbol] |= {
                (each, where) for each in names(item) | macros for where in (path, "")
            }
    frontier = {
        (name, "") for path in roots.read_text("utf-8").split() for name in names(read(path))
    }
    reached: set[Symbol] = set()
    while frontier:
        reached |= frontier
        frontier = set().union(*(mentioned[each] for each in frontier & mentioned.keys())) - reached
    print("\n".join(sorted(set().union(*(files[each] for each in reached & files.keys())))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
