"""The way in of `holdfast` and `python -m holdfast`, past packages that are only called as ours."""

import sys

from holdfast.shadows import complaint


def main() -> None:
    """Run the command line, or end with exit code 2 where it would import somebody else's code."""
    if said := complaint():
        print(f"error: {said}", file=sys.stderr)
        sys.exit(2)
    from holdfast import cli

    cli.main()


if __name__ == "__main__":
    main()
