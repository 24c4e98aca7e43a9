"""Draws a profile: all instructions, below them user and kernel, below these their functions; and the hot spots."""

from html import escape as escape_html

import pandas as pd

from lab.text.outside import visible

WIDTH = 1200
MARGIN = 10
ROW = 26
BAR_ROW = 20
HOT_SPOTS = 25
LABEL_WIDTH = 420
LEAST_SHARE = 0.002  # functions with less are drawn as one
CHARACTER = 7.2  # about, at 12 px
# Each space with the colours that its functions take in turn.
COLOURS = {"user": ("#86add6", "#b6d0ea", "#9ebee0"), "kernel": ("#f0a06a", "#f8cdaf", "#f4b78c")}


def escape(text: str) -> str:
    """`text` within XML, which allows no control characters; a guest's symbols may have them."""
    return escape_html("\n".join(visible(line, None) for line in text.split("\n")))


def draw(table: pd.DataFrame, title: str) -> str:
    """An SVG of what `counters.functions` gives. `title` says what was run."""
    total = int(table["instructions"].sum())
    hot = table.nlargest(HOT_SPOTS, "instructions")
    top = 62 + 3 * ROW + 40
    height = top + BAR_ROW * len(hot) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{MARGIN}" y="24" font-size="16">{escape(title)}</text>',
        f'<text x="{MARGIN}" y="44" fill="#555">Every instruction of the measured part, counted, not sampled. Each '
        "function has its own instructions only: who called it is not known.</text>",
        _box(0, 1, 62, "#bbb", f"all: {total:,} instructions"),
        *_icicle(table),
        f'<text x="{MARGIN}" y="{top - 12}" font-size="14">Hot spots</text>',
        *_bars(hot, top),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _icicle(table: pd.DataFrame) -> list[str]:
    boxes: list[str] = []
    left = 0.0
    for space, colours in COLOURS.items():
        rows = table[table["space"] == space]
        share = rows["share"].sum()
        boxes.append(_box(left, share, 62 + ROW, colours[0], f"{space}: {_amount(rows['instructions'].sum(), share)}"))
        shown = rows[rows["share"] >= LEAST_SHARE]
        place = left
        for number, row in enumerate(shown.itertuples()):
            about = f"{row.function}: {_amount(row.instructions, row.share)}\n{row.symbol}"
            boxes.append(_box(place, row.share, 62 + 2 * ROW, colours[number % 3], row.function, about))
            place += row.share
        rest = rows.drop(shown.index)
        if not rest.empty:
            others = f"{len(rest)} others: {_amount(rest['instructions'].sum(), rest['share'].sum())}"
            boxes.append(_box(place, rest["share"].sum(), 62 + 2 * ROW, "#ddd", others))
        left += share
    return boxes


def _bars(hot: pd.DataFrame, top: int) -> list[str]:
    longest = hot["instructions"].max()
    room = WIDTH - LABEL_WIDTH - 2 * MARGIN - 170  # for the numbers behind the bars
    bars: list[str] = []
    for number, row in enumerate(hot.itertuples()):
        y = top + number * BAR_ROW
        length = room * row.instructions / longest
        label = _fitting(row.function, LABEL_WIDTH)
        bars.append(
            f"<g><title>{escape(row.symbol)}</title>"
            f'<text x="{MARGIN + LABEL_WIDTH - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{MARGIN + LABEL_WIDTH}" y="{y + 2}" width="{length:.1f}" height="{BAR_ROW - 4}" '
            f'fill="{COLOURS[row.space][0]}"/>'
            f'<text x="{MARGIN + LABEL_WIDTH + length + 6:.1f}" y="{y + 14}">'
            f"{_amount(row.instructions, row.share)}</text></g>"
        )
    return bars


def _box(start: float, share: float, y: int, colour: str, label: str, about: str = "") -> str:
    """A box from `start`, `share` wide (both of all instructions), with what fits of its label."""
    scale = WIDTH - 2 * MARGIN
    width = share * scale
    x = MARGIN + start * scale
    text = _fitting(label, width - 6)
    return (
        f'<g><title>{escape(about or label)}</title><rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{ROW - 1}" '
        f'fill="{colour}" stroke="white" stroke-width="0.5"/>'
        + (f'<text x="{x + 4:.2f}" y="{y + 17}">{escape(text)}</text>' if text else "")
        + "</g>"
    )


def _fitting(label: str, width: float) -> str:
    """As much of the label as fits. A qualified name loses its first parts, which are common to many."""
    most = int(width / CHARACTER)
    while len(label) > most and "::" in label:
        label = label.partition("::")[2]
    if len(label) <= most:
        return label
    return label[: most - 1] + "…" if most >= 4 else ""


def _amount(instructions: int, share: float) -> str:
    return f"{instructions:,} ({share:.1%})"
