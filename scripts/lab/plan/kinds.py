"""What a key of a suite file may have as its value."""

import re
from dataclasses import dataclass

Value = int | float | str | bool
MARGIN = 0.03  # changes up to this share are called the same, where the file does not say


MOST = 10**18 - 1  # so that every number can be written and calculated with


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; with `whole` an integer."""

    low: float = -MOST
    high: float = MOST
    whole: bool = True

    def __str__(self) -> str:
        kind = "an integer" if self.whole else "a number"
        return f"{kind} of at most 18 digits" if self.high == MOST else f"{kind} from {self.low} to {self.high}"

    def accepts(self, value: object) -> bool:
        if not isinstance(value, (int, float)) or isinstance(value, bool):  # a bool is an int to Python
            return False
        return self.low <= value <= self.high and not (self.whole and isinstance(value, float))


class Words:
    """A text that becomes words of a command line: nothing that a shell or the kernel takes apart, up to `most` words.

    With `values` it is one of these.
    """

    WORD = re.compile(r"[A-Za-z0-9_./:,=@%+-]+")

    def __init__(self, about: str, most: int | None = None, values: tuple[str, ...] = ()) -> None:
        self.about = about
        self.most = most
        self.values = values

    def __str__(self) -> str:
        return self.about

    def accepts(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        if self.values:
            return value in self.values
        words = value.split(" ") if value else []
        return (self.most is None or len(words) == self.most) and all(
            self.WORD.fullmatch(word) and word not in ("--", "run") for word in words
        )


WORDS = Words("words of a command line")


class Flag:
    """true, which the command has as --name, or false, which it has not."""

    def __str__(self) -> str:
        return "true or false"

    def accepts(self, value: object) -> bool:
        return isinstance(value, bool)


Kind = Number | Words | Flag


def shown(value: object) -> str:
    """`value` as TOML has it, or nearly, and cut to what fits a line."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = repr(value)
    except ValueError:  # Python prints no integer of more than 4300 digits
        return "a huge number"
    except RecursionError:
        return "something nested deeply"
    return text if len(text) <= 40 else text[:37] + "..."
