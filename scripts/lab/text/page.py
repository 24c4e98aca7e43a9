"""A page as data: its headings, and what is under them. Text is Markdown, as lab.text.markdown makes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Picture:
    """A file in the folder of results, and what plot may stand in for it.

    `shows` is the name of a metric, or STAGES; the plot is of a suite's measurement at the place `of`, or of all.
    """

    title: str
    file: str
    suite: str = ""
    shows: str = ""
    of: int | None = None


STAGES = "stages"
Block = str | Picture


@dataclass(frozen=True)
class Part:
    """What is under a heading of `level`. `note` stands behind it in the contents of the page; what few need is `folded`."""

    level: int
    heading: str
    body: Sequence[Block] = field(default_factory=list)
    note: str = ""
    folded: bool = False
