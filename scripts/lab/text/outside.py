"""Text from outside: what a guest, a suite file or results from elsewhere say, made harmless where it is shown.

It may hold what moves a terminal's cursor, Markdown, HTML or a command; a reader must see it as the text that it is.
"""

import re

MOST = 300  # characters of one text that are shown
CUT = "[...]"
# What Markdown (CommonMark, GitHub's tables, strike-through and formulas) or HTML would take for its own, within a line.
# A bracket is none of it without what makes it a link, nor an underscore within a word, nor `<` before a space.
SPECIAL = re.compile(r"[\\`*|~$]|\](?=\s*[(\[:])|<(?=[\w/!?])|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
CODE = re.compile(r"(`[^`|]+`)")


def visible(text: str, most: int | None = MOST) -> str:
    """`text` in one line: what does not print is escaped (tab and newline too), and all beyond `most` cut out of the middle.

    Its end stays, since that is where a message says what to do.
    """
    if most is not None and len(text) > most:
        end = most // 3
        text = text[: most - end - len(CUT)] + CUT + text[len(text) - end :]
        return visible(text, None)
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def say(text: str) -> None:
    """Prints `text` for a person: lines, each of them visible."""
    print("\n".join(visible(line, None) for line in text.split("\n")), flush=True)


def markdown(text: str) -> str:
    """`text` as words of Markdown, in a table as well: nothing in it is a link, a picture, HTML or emphasis.

    `code` between backticks stays code. What is special is written as a character reference, which all Markdown knows.
    """
    parts = CODE.split(visible(text, None))
    return "".join(part if place % 2 else SPECIAL.sub(_reference, part) for place, part in enumerate(parts))


def code(text: str) -> str:
    """`text` as code within Markdown; as words where code cannot hold it, or there is none."""
    shown = visible(text, None)
    return f"`{shown}`" if shown.strip() and not set("`|") & set(shown) else markdown(text)


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
