"""What a user is told when something is wrong."""

from lab.text.outside import visible

FAILED = 1
USAGE = 2
MOST = 1000  # characters: two long paths and a remedy


class Complaint(Exception):
    """One line for the user: where, what is wrong, and what to do about it.

    `exit_code` is what the program then ends with: 1 the tool failed, 2 wrong usage.
    """

    def __init__(self, where: object, message: str, exit_code: int = USAGE) -> None:
        super().__init__(visible(f"{where}: {message}", MOST))
        self.exit_code = exit_code
