import io
import subprocess
import sys

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training import evaluation
from training.evaluation import figures

CHURNED = np.array([0, 1, 0, 1, 1, 1])
RISK = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 0.9])
SPEND = np.array([0.0, 2.0, 4.0, 34.0])
FORECAST = np.array([1.0, 2.0, 5.0, 24.0])


def only_axes(figure: Figure) -> Axes:
    (axes,) = figure.axes
    return axes


def title(figure: Figure) -> str:
    return only_axes(figure).get_title(loc="left")


def bar_heights(figure: Figure) -> list[list[float]]:
    return [[bar.get_height() for bar in bars] for bars in only_axes(figure).containers]


def all_figures() -> dict[str, Figure]:
    return {
        "calibration": figures.calibration_figure(evaluation.calibration_table(CHURNED, RISK)),
        "gain": figures.gain_figure(evaluation.gain_table(SPEND, FORECAST), total="spend"),
        "decile": figures.decile_figure(evaluation.decile_table(SPEND, FORECAST), "EUR"),
    }


def test_importing_the_figures_leaves_pyplot_alone():
    command = "import sys, training.evaluation.figures; print('matplotlib.pyplot' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    assert found.stdout.strip() == b"False"


@pytest.mark.parametrize("name", ["calibration", "gain", "decile"])
def test_figure_is_saved_as_a_picture_with_ink_on_it(name):
    file = io.BytesIO()
    all_figures()[name].savefig(file, format="png")
    file.seek(0)
    picture = matplotlib.image.imread(file)
    assert picture.shape == (576, 768, 4)
    assert picture[..., :3].std() > 0.05


@pytest.mark.parametrize(
    ("name", "x_unit", "y_unit"),
    [("calibration", "(%)", "(%)"), ("gain", "(%)", "(%)"), ("decile", "10 = highest", "(EUR)")],
)
def test_both_axes_name_their_unit(name, x_unit, y_unit):
    axes = only_axes(all_figures()[name])
    assert x_unit in axes.get_xlabel()
    assert y_unit in axes.get_ylabel()


def test_calibration_points_stand_at_forecast_and_actual():
    table = evaluation.calibration_table(CHURNED, RISK, bins=3)
    points = only_axes(figures.calibration_figure(table)).containers[0][0]
    assert list(points.get_xdata()) == pytest.approx([0.15, 0.5, 0.85])
    assert list(points.get_ydata()) == pytest.approx([0.5, 0.5, 1.0])


def test_calibration_bars_span_the_interval():
    table = evaluation.calibration_table(CHURNED, RISK, bins=3)
    (bars,) = only_axes(figures.calibration_figure(table)).containers[0][2]
    ends = [segment[:, 1] for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, table[["churn_rate_low", "churn_rate_high"]])


def test_calibration_title_tells_the_calibration_error():
    # Three customers at 50% of whom one churned, and one at 90% who did.
    table = evaluation.calibration_table([0, 0, 1, 1], [0.5, 0.5, 0.5, 0.9])
    expected = "Forecast and actual churn differ by 15.0 points on average"
    assert title(figures.calibration_figure(table)) == expected


def test_calibration_zooms_in_where_nearly_everybody_churns():
    churned = np.repeat([1, 0], [9950, 50])
    figure = figures.calibration_figure(evaluation.calibration_table(churned, np.full(10000, 0.99)))
    low, high = only_axes(figure).get_xlim()
    assert low > 0.98
    assert high < 1.01
    assert only_axes(figure).get_ylim() == (low, high)


@pytest.mark.parametrize(
    ("risk", "expected"),
    [
        ([0.5, 0.5, 0.9, 0.9], "2 groups of 2 customers, 95% interval"),
        ([0.5, 0.5, 0.5, 0.9], "2 groups of 1 to 3 customers, 95% interval"),
    ],
)
def test_calibration_legend_says_how_many_customers_a_point_stands_for(risk, expected):
    (legend,) = figures.calibration_figure(evaluation.calibration_table([0, 1, 1, 1], risk)).legends
    assert expected in [text.get_text() for text in legend.get_texts()]


def test_gain_curves_are_those_of_the_table():
    table = evaluation.gain_table(SPEND, FORECAST)
    lines = {
        line.get_label(): line.get_ydata() for line in only_axes(figures.gain_figure(table)).lines
    }
    np.testing.assert_array_equal(lines["ranked by forecast"], table["captured"])
    np.testing.assert_array_equal(lines["best possible"], table["captured_at_best"])
    np.testing.assert_array_equal(lines["ranked at random"], table["share_of_customers"])


def test_gain_title_tells_what_the_top_fifth_holds():
    table = evaluation.gain_table([5.0, 0.0, 3.0, 2.0, 0.0], [1.0, 2.0, 4.0, 0.5, 0.2])
    figure = figures.gain_figure(table, total="spend")
    assert title(figure) == "The top 20% by forecast hold 30% of spend (at best 50%)"


def test_gain_figure_says_when_there_was_nothing_to_rank():
    table = evaluation.gain_table(np.zeros(4), FORECAST)
    assert title(figures.gain_figure(table, total="spend")) == "Nothing to rank: spend came to zero"


def test_decile_bars_are_those_of_the_table():
    figure = figures.decile_figure(evaluation.decile_table(SPEND, FORECAST))
    assert bar_heights(figure) == [FORECAST.tolist(), SPEND.tolist()]


def test_decile_bars_carry_the_forecasts_error():
    table = evaluation.decile_table([0.0, 2.0, 4.0, 34.0], [1.0, 20.0, 5.0, 24.0])
    words = [text.get_text() for text in only_axes(figures.decile_figure(table)).texts]
    assert words == ["", "+25%", "10x", "-29%"]


def test_a_decile_of_many_equal_forecasts_says_how_many():
    table = evaluation.decile_table(np.ones(10), [0, 0, 0, 0, 0, 6, 7, 8, 9, 10])
    ticks = only_axes(figures.decile_figure(table)).get_xticklabels()
    assert [tick.get_text() for tick in ticks] == ["3\n(50%)", "6", "7", "8", "9", "10"]


@pytest.mark.parametrize(
    ("forecast", "expected"),
    [
        ([24.0, 2.0, 1.0, 5.0], "Forecast spend was 20% below actual spend in total"),
        ([40.0, 10.0, 5.0, 5.0], "Forecast spend was 50% above actual spend in total"),
        ([34.0, 4.0, 2.0, 0.1], "Forecast spend matched actual spend in total"),
    ],
)
def test_decile_title_tells_the_total_error(forecast, expected):
    assert title(figures.decile_figure(evaluation.decile_table(SPEND, forecast))) == expected


def test_decile_figure_stands_when_nobody_spent():
    figure = figures.decile_figure(evaluation.decile_table(np.zeros(4), np.zeros(4)))
    assert title(figure) == "Nobody spent anything in the window"
    assert only_axes(figure).get_ylim() == (0, 1)


def test_a_notebook_shows_a_figure_though_pyplot_was_never_imported():
    shown = all_figures()["gain"]._repr_png_()
    assert matplotlib.image.imread(io.BytesIO(shown)).shape == (576, 768, 4)


def test_a_subtitle_stands_below_the_title_and_leaves_out_what_is_not_known():
    figure = all_figures()["decile"].with_subtitle(None, "90 days", "offer gift")
    assert only_axes(figure).texts[-1].get_text() == figure.subtitle == "90 days · offer gift"
    figure.draw_without_rendering()
    above = only_axes(figure)._left_title.get_window_extent().y0
    assert only_axes(figure).texts[-1].get_window_extent().y1 <= above


def test_effects_are_told_in_points():
    row = {"offer": "gift", "group": 1, "customers": 50, "predicted": 0.02}
    effects = pd.DataFrame([{**row, "effect": 0.05, "low": 0.01, "high": 0.09}])
    axes = only_axes(figures.effects_figure(effects, "gift"))
    assert axes.get_ylabel().endswith("(points)")
    assert axes.yaxis.get_major_formatter()(0.05) == "5"
