"""The notebooks as they are read on the web: executed, with every figure as a picture."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEXT_OF_A_FIGURE = ("<Figure size", "<Chart size")


def code_cells(notebook: Path) -> list[dict]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def unseen(cells: list[dict]) -> list[str]:
    """Sources of cells that draw, or say that they drew, and show no picture."""
    found = []
    for cell in cells:
        shown = [output.get("data", {}) for output in cell["outputs"]]
        texts = ["".join(data.get("text/plain", "")) for data in shown]
        draws = "_figure(" in "".join(cell["source"])
        told = any(text.startswith(TEXT_OF_A_FIGURE) for text in texts)
        if (draws or told) and not any("image/png" in data for data in shown):
            found.append("".join(cell["source"]))
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_of_a_notebook_is_a_picture(notebook):
    assert unseen(code_cells(notebook)) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_was_executed_from_top_to_bottom(notebook):
    counts = [cell["execution_count"] for cell in code_cells(notebook)]

    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("source", ["effects_figure(effects)", "shown = draw()\nshown"])
def test_a_figure_that_is_only_text_is_refused(source):
    text = {"output_type": "execute_result", "data": {"text/plain": ["<Figure size 768x576>"]}}

    assert unseen([{"source": [source], "outputs": [text]}]) == [source]
    assert (
        unseen([{"source": [source], "outputs": [{"data": {"image/png": "iVBORw0KGgo="}}]}]) == []
    )
