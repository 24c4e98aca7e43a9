"""The Markdown of a page's blocks as HTML: what lab.text.markdown and the report write, and nothing else of Markdown.

All else in it is text: what came from outside cannot become HTML, and links go to LINK alone.
"""

import html
import re

LINK = re.compile(r"https?://.*|#.*|result_data/[\w.-]+", re.ASCII)  # where a link may go
SPAN = re.compile(
    r"`([^`]+)`|\*\*((?:`[^`]*`|[^`])+?)\*\*|\*((?:`[^`]*`|[^`*])+)\*|!?\[([^\]]*)\]\(((?:[^()\s]|\([^()\s]*\))*)\)"
)  # code, bold, emphasis, link
INTERVAL = re.compile(r"\([^()<>]{1,20}–[^()<>]{1,20}\)")


def block(text: str) -> str:
    """One block: a table, a list, a quotation, code that is indented by four, or a paragraph."""
    lines = text.split("\n")
    if text.startswith("| "):
        return _table(lines)
    if text.startswith("- "):
        return "<ul>" + "\n".join(f"<li>{inline(line.removeprefix('- '))}</li>" for line in lines) + "</ul>"
    if text.startswith("> "):
        return f"<blockquote><p>{inline(text.removeprefix('> '))}</p></blockquote>"
    if text.startswith("    "):
        return f"<pre><code>{html.escape(chr(10).join(line.removeprefix('    ') for line in lines))}</code></pre>"
    return f"<p>{inline(text)}</p>"


def inline(text: str) -> str:
    """What stands within a block."""
    done, shown = 0, []
    for span in SPAN.finditer(text):
        shown.append(_escaped(text[done : span.start()]))
        code, bold, emphasis, title, target = span.groups()
        if code:
            shown.append(f"<code>{html.escape(code)}</code>")
        elif bold or emphasis:
            tag = "strong" if bold else "em"
            shown.append(f"<{tag}>{inline(bold or emphasis)}</{tag}>")
        elif span[0].startswith("[") and LINK.fullmatch(target):
            shown.append(f'<a href="{html.escape(target)}">{inline(title)}</a>')
        else:  # a link to elsewhere, or a picture in a sentence
            shown.append(inline(title))
        done = span.end()
    return "".join([*shown, _escaped(text[done:])])


def _escaped(text: str) -> str:
    """Text, in which character references stand for what would be Markdown."""
    shown = re.sub(r"(?<=\d) (?=%)", "\u00a0", html.escape(html.unescape(text)))
    return INTERVAL.sub(r'<span class="interval">\g<0></span>', shown)


def _table(lines: list[str]) -> str:
    """A table that scrolls where it is wide, also with the keyboard. Its second line says what is aligned to the right."""
    head, rule, *rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in lines)
    align = [' align="right"' if cell.endswith(":") else "" for cell in rule]

    def row(cells: list[str], tag: str) -> str:
        shown = (f"<{tag}{side}>{inline(cell)}</{tag}>" for cell, side in zip(cells, align))
        return f"<tr>{' '.join(shown)}</tr>"

    body = "\n".join(row(each, "td") for each in rows)
    table = f"<table><thead>{row(head, 'th')}</thead>\n<tbody>{body}</tbody></table>"
    return f'<div class="table" tabindex="0" role="region" aria-label="table">{table}</div>'
