"""Markdown tables. A cell that is only text is escaped; one that is Markdown already is a Markup."""

from collections.abc import Container, Iterable, Sequence

from lab.text import outside


class Markup(str):
    """Text that is Markdown: what came from outside is escaped in it."""


def words(text: object) -> Markup:
    """`text` as words of Markdown; a Markup as it is; nothing for None."""
    if isinstance(text, Markup):
        return text
    return Markup("" if text is None else outside.markdown(str(text)))


def code(text: str) -> Markup:
    """`text` as code."""
    return Markup(outside.code(text))


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
