"""Markdown tables. A cell that is only text is escaped; one that is Markdown already is a Markup."""

import re
from collections.abc import Container, Iterable, Sequence

from lab.text.outside import visible

# What Markdown (CommonMark, GitHub's tables, strike-through and formulas) or HTML would take for its own, within a line.
# A bracket is none of it without what makes it a link, nor an underscore within a word, nor `<` before a space.
SPECIAL = re.compile(r"[\\`*|~$]|\](?=\s*[(\[:])|<(?=[\w/!?])|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
CODE = re.compile(r"(`[^`|]+`)")


class Markup(str):
    """Text that is Markdown: what came from outside is escaped in it."""


def words(text: object) -> Markup:
    """`text` as words of Markdown, in a table as well: nothing in it is a link, a picture, HTML or emphasis.

    `code` between backticks stays code. What is special is written as a character reference, which all Markdown knows.
    A Markup stays as it is; None is nothing.
    """
    if isinstance(text, Markup):
        return text
    parts = CODE.split("" if text is None else visible(str(text), None))
    return Markup("".join(part if place % 2 else SPECIAL.sub(_reference, part) for place, part in enumerate(parts)))


def _reference(special: re.Match[str]) -> str:
    return f"&#{ord(special[0])};"


def code(text: str) -> Markup:
    """`text` as code; as words where code cannot hold it, or there is none."""
    shown = visible(text, None)
    return Markup(f"`{shown}`") if shown.strip() and not set("`|") & set(shown) else words(text)


def bold(text: object) -> Markup:
    return Markup(f"**{words(text)}**")


def table(head: Sequence[str], rows: Iterable[Iterable[object]], right: Container[int] = ()) -> str:
    """A table of `rows` under `head`; `right` are the places, from 0, of the columns that are aligned to the right."""
    rule = "|".join("---:" if place in right else "---" for place in range(len(head)))
    titles, *lines = (f"| {' | '.join(map(words, cells))} |" for cells in [head, *rows])
    return "\n".join([titles, f"|{rule}|", *lines])


def facts(table_of: Iterable[tuple[object, object]]) -> str:
    """A table of what is called how, and its value."""
    return table(("what", "value"), table_of)
