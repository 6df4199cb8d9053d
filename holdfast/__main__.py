"""The way in of `holdfast` and `python -m holdfast`, past packages that are only called as ours."""

import gc
import os
import sys
from typing import NoReturn

from holdfast.shadows import elsewhere, overwritten


def main() -> None:
    """Run the command line, or end with exit code 2 where it would run somebody else's code."""
    # Imports make hundreds of thousands of objects that stay: looking them through again and again
    # for garbage takes a fifth of a short command.
    gc.set_threshold(200_000)
    # Read when numpy and LightGBM are loaded: threads for matrices this small, and threads that
    # wait busily for work, only burn what others could use.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if complaint := elsewhere():
        _refuse(complaint)
    try:
        from holdfast import cli
    except ImportError:
        if complaint := overwritten():
            _refuse(complaint)
        raise
    cli.main()


def _refuse(complaint: str) -> NoReturn:
    print(f"error: {complaint}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
