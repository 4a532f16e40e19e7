"""``python -m pytest_traces merge A B -o C``: baselines of several runs become one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 if it was done, 2 with a message on standard error if not."""
    from pytest_traces.timing.baseline.files import BaselineError
    from pytest_traces.timing.baseline.merge import merge_files

    given = _parser().parse_args(arguments)
    try:
        done = merge_files(given.files, given.output)
    except BaselineError as error:
        sys.stderr.write(f"pytest-traces: error: {error}\n")
        return 2
    sys.stdout.write(f"{done}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "pytest-traces", description="Work on the baselines that pytest --traces-update records."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    merge = commands.add_parser(
        "merge",
        help="several files of structure, or of timings, become one",
        description="Several files of structure become one, or several files of timings of one "
        "environment. Parts of one run (PYTEST_TRACES_RUN) are united; of each test the last ten "
        "runs are kept.",
    )
    merge.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what to merge")
    merge.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="FILE",
        help="where to write it; may be one of the files",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
