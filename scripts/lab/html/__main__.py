"""python3 -m lab.html: makes results.html from what `make report` left and from the runs."""

import argparse
import sys
from pathlib import Path

from lab.complaint import FAILED, Complaint
from lab.files import write_whole


def main() -> int:
    parser = argparse.ArgumentParser(prog="lab.html", description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="where runs are kept")
    parser.add_argument("--result-data", type=Path, required=True, help="where tables are")
    parser.add_argument("--page", type=Path, required=True, help="the HTML file to write")
    arguments = parser.parse_args()
    try:
        from lab.html import page  # pandas and matplotlib take a second to load

        write_whole(arguments.page, page.render(arguments.result_data, arguments.runs))
    except Complaint as complaint:
        print(f"pipelab: {complaint}", file=sys.stderr)
        return complaint.exit_code
    except OSError as error:
        print(f"pipelab: {error.filename}: {error.strerror}", file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
