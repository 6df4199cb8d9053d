"""What docs/python.md shows is so."""

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


def test_the_examples_give_what_they_show():
    found = doctest.testfile(str(PAGE), module_relative=False)

    assert found.attempted > 20
    assert found.failed == 0


def test_every_block_of_python_is_an_example():
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)

    assert blocks
    assert all(block.startswith(">>> ") and block.endswith("\n\n") for block in blocks)
