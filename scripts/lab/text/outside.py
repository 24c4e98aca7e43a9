"""Text from outside: what a guest, a suite file or results from elsewhere say, made harmless where it is shown.

It may hold what moves a terminal's cursor, or a command; a reader must see it as the text that it is. lab.text.markdown
does the same for Markdown and HTML.
"""

MOST = 300  # characters of one text that are shown
CUT = "[...]"


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
