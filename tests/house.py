#!/usr/bin/python3
"""The rules of scripts/lab's house, read from its files: who may import whom, how large a room may be, which words stand
where. Prints a line a fault, and ends with 1 where there is one."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LAB = Path(__file__).resolve().parents[1] / "scripts/lab"
FLOORS = ("text", "plan", "runs", "tables", "judge", "findings", "report", "")  # upwards; "" is __main__.py
INSTRUMENTS = ("counters", "trace", "capacity", "bench")  # beside findings: they use what is below it
KNOW_INSTRUMENTS = ("report", "")
MOST_FILES = 15  # of a room
RETIRED = re.compile(r"stud(y|ies)|told|choices?", re.IGNORECASE)  # words that meant several things each
# What the pipeline has, and of it the latency a feed; their own rules may say it.
WORKLOAD = re.compile(
    r"^(latency|dropped|consumed|producer|consumer)$|latency_(p\d|ns)|drop_rate|(producer|consumer)_"
    r"|queue[-_]cap|on[-_]full|prod[-_]interval"
)
MAY_KNOW_WORKLOAD = ("findings/pipeline.py", "findings/feed.py")


def main() -> int:
    files = [file for file in sorted(LAB.rglob("*.py")) if "tests" not in file.relative_to(LAB).parts]
    faults = [*room_sizes(files)]
    arrows: dict[str, set[str]] = {}
    for file in files:
        tree = ast.parse(file.read_text())
        faults += upward(file, tree, arrows)
        faults += words(file, tree)
    faults += circles(arrows)
    for fault in faults:
        print(f"house: {fault}")
    return int(bool(faults))


def room_of(file: Path) -> str:
    """The room of a file, "" for those that stand in none."""
    parts = file.relative_to(LAB).parts
    return parts[0] if len(parts) > 1 else ""


def floor(room: str) -> float:
    return FLOORS.index("findings") if room in INSTRUMENTS else FLOORS.index(room)


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line of each import of a room of the lab, and that room."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "lab":
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lab."):
            yield node.lineno, str(node.module).split(".")[1]
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, name.name.split(".")[1]) for name in node.names if name.name.startswith("lab."))


def upward(file: Path, tree: ast.AST, arrows: dict[str, set[str]]) -> Iterator[str]:
    own = room_of(file)
    for line, other in imports(tree):
        if other == own:
            continue
        arrows.setdefault(own, set()).add(other)
        if other not in (*FLOORS, *INSTRUMENTS):
            yield f"{file}:{line}: {other} is no room"
        elif floor(other) >= floor(own) or (other in INSTRUMENTS and own not in KNOW_INSTRUMENTS):
            yield f"{file}:{line}: {own} may not use {other}"


def circles(arrows: dict[str, set[str]]) -> Iterator[str]:
    left = {room: set(others) for room, others in arrows.items()}
    while free := [room for room, others in left.items() if not others & left.keys()]:
        for room in free:
            del left[room]
    if left:
        yield f"{LAB}: {', '.join(left)} use each other in a circle"


def room_sizes(files: list[Path]) -> Iterator[str]:
    for folder in {file.parent for file in files}:
        count = sum(file.parent == folder for file in files)
        if count > MOST_FILES:
            yield f"{folder}: has {count} files, and {MOST_FILES} are the most"


def words(file: Path, tree: ast.AST) -> Iterator[str]:
    """Names of the code, and texts that are no docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    knows = str(file.relative_to(LAB)) in MAY_KNOW_WORKLOAD
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):  # what others call theirs
            continue
        name = getattr(node, "id", None) or getattr(node, "name", None) or getattr(node, "attr", None)
        name = name or getattr(node, "arg", None)
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        said = node.value if is_text else name  # type: ignore[attr-defined]
        if not isinstance(said, str):
            continue
        if not is_text and RETIRED.fullmatch(said):
            yield f"{file}:{getattr(node, 'lineno', 0)}: '{said}' is a retired word"
        if not knows and (match := WORKLOAD.search(said)):
            yield f"{file}:{getattr(node, 'lineno', 0)}: '{match[0]}' is a workload's word"


if __name__ == "__main__":
    sys.exit(main())
