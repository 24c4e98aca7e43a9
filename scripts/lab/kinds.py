"""What a key of a suite file may have as its value."""

import re
from dataclasses import dataclass

Value = int | float | str | bool
MARGIN = 0.03  # changes up to this share are called the same, where the file does not say


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; with `whole` an integer."""

    low: float
    high: float
    whole: bool = True

    def __str__(self) -> str:
        return f"{'an integer' if self.whole else 'a number'} from {self.low} to {self.high}"

    def accepts(self, value: object) -> bool:
        if not isinstance(value, (int, float)) or isinstance(value, bool):  # a bool is an int to Python
            return False
        return self.low <= value <= self.high and not (self.whole and isinstance(value, float))


class OneOf:
    """One of some texts, in which a part in capitals stands for a number: "fifo:P" is fifo:50."""

    def __init__(self, *forms: str) -> None:
        self.forms = forms
        self.pattern = re.compile("|".join(re.sub("[A-Z_]+", "[0-9]{1,18}", form) for form in forms))

    def __str__(self) -> str:
        return "one of " + ", ".join(f'"{form}"' for form in self.forms)

    def accepts(self, value: object) -> bool:
        return isinstance(value, str) and self.pattern.fullmatch(value) is not None


class Words:
    """A text that becomes words of a command line: nothing that a shell or the kernel takes apart, up to `most` words."""

    WORD = re.compile(r"[A-Za-z0-9_./:,=@%+-]+")

    def __init__(self, about: str, most: int | None = None) -> None:
        self.about = about
        self.most = most

    def __str__(self) -> str:
        return self.about

    def accepts(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        words = value.split(" ") if value else []
        return (self.most is None or len(words) == self.most) and all(
            self.WORD.fullmatch(word) and word not in ("--", "run") for word in words
        )


class Flag:
    """true, which the command has as --name, or false, which it has not."""

    def __str__(self) -> str:
        return "true or false"

    def accepts(self, value: object) -> bool:
        return isinstance(value, bool)


Kind = Number | OneOf | Words | Flag
