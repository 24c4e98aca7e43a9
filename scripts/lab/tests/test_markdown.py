"""Markdown tables, whose cells are text unless they are Markdown already."""

from lab.text import markdown


def test_a_table_escapes_what_is_text_and_keeps_what_is_markdown() -> None:
    rows: list[list[object]] = [["a|b <b>", markdown.bold("x|y"), 3], [None, markdown.code("z"), "`1` *2*"]]
    assert markdown.table(["what", "how", "n"], rows, right=[2]).splitlines() == [
        "| what | how | n |",
        "|---|---|---:|",
        "| a&#124;b &#60;b> | **x&#124;y** | 3 |",
        "|  | `z` | `1` &#42;2&#42; |",
    ]
