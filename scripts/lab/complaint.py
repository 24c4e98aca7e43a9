"""What a user is told when something is wrong."""

FAILED = 1
USAGE = 2


def visible(text: str) -> str:
    """Stand-in until the merge."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)[:300]


class Complaint(Exception):
    """One line for the user: where, what is wrong, and what to do about it.

    `exit_code` is what the program then ends with: 1 the tool failed, 2 wrong usage.
    """

    def __init__(self, where: object, message: str, exit_code: int = USAGE) -> None:
        super().__init__(f"{where}: {message}")
        self.exit_code = exit_code
