import numpy as np
import pandas as pd
import pytest

from training.evaluation.chart import Chart
from training.evaluation.tracking_figures import bias_figure, reasons_figure, tracking_figure

ABOUT = ("Corner bakery", "CLV forecast by regression", "90 days after 3 origins: from then to now")


def weeks(orders: list[int], after: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "week": pd.date_range("2024-01-01", periods=len(orders), freq="7D"),
            "orders": orders,
            "expected": 10.0,
            "is_after": np.arange(len(orders)) >= len(orders) - after,
        }
    )


def origins(bias: list[float]) -> pd.DataFrame:
    days = pd.date_range("2025-01-01", periods=len(bias), freq="30D")
    return pd.DataFrame({"origin": days, "bias": bias, "deviation": 0.01})


def title(figure: Chart) -> str:
    return figure.axes[0].get_title(loc="left")


def drawn() -> dict[str, Chart]:
    told = pd.DataFrame({"first": [0.9, 0.1], "told": [0.9, 0.8]}, ["rhythm", "preferred_channel"])
    return {
        "tracking": tracking_figure(weeks([8, 12] * 60, after=12)),
        "bias": bias_figure(origins([0.012] * 12), "points"),
        "bias of one origin": bias_figure(origins([0.3]), "%"),
        "reasons": reasons_figure(told),
    }


@pytest.mark.parametrize("name", drawn())
def test_no_word_is_cut_off(name):
    figure = drawn()[name].with_subtitle(*ABOUT)
    figure.draw_without_rendering()
    ink, page = figure.get_tightbbox(), figure.bbox_inches
    assert ink.x0 >= 0 <= ink.y0 and ink.x1 <= page.x1 and ink.y1 <= page.y1


@pytest.mark.parametrize(
    ("orders", "after", "expected"),
    [
        ([5, 8, 8], 2, "The 2 weeks after the origin: 20% fewer repeat orders than expected"),
        ([5, 10], 1, "The week after the origin: as many repeat orders as expected"),
        ([5, 10], 0, "Repeat orders by week, as they came and as expected"),
    ],
)
def test_the_tracking_title_tells_the_weeks_after_the_origin(orders, after, expected):
    assert title(tracking_figure(weeks(orders, after))) == expected


@pytest.mark.parametrize(
    ("bias", "unit", "expected"),
    [
        ([-0.01, -0.03], "points", "2.0 points too low; beyond chance at 1 of 2 origins"),
        ([0.1], "%", "10.0% too high; beyond chance at 1 of 1 origin"),
        ([0.01, -0.01], "%", "right; beyond chance at 0 of 2 origins"),
    ],
)
def test_the_bias_title_tells_the_mean_and_what_is_beyond_chance(bias, unit, expected):
    assert title(bias_figure(origins(bias), unit)) == f"On average {expected}"


def test_the_band_is_two_deviations_either_side_of_nothing():
    (band,) = bias_figure(origins([0.0, 0.0]), "%").axes[0].collections
    assert band.get_datalim(band.axes.transData).y1 == pytest.approx(0.0196)


def test_topics_that_are_told_of_nobody_are_left_out():
    none = pd.DataFrame({"first": [0.0], "told": [0.0]}, ["season"])
    assert title(reasons_figure(none)) == "No customer has a reason for risk"
