"""`python -m holdfast`: the command line without its script."""

from holdfast.cli import main

main()
