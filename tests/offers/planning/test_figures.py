import numpy as np
import pytest

from offers.planning.curves import budget_curve, trade_off
from offers.planning.figures import budget_figure, trade_off_figure


def test_the_budget_figure_shows_the_points_and_what_lies_beyond():
    curve = budget_curve([[6.0], [4.0], [-1.0]], [[2.0]] * 3)

    profit, price = budget_figure(curve, "EUR").axes

    best, beyond = profit.lines[:2]
    assert best.get_ydata().tolist() == curve.points["profit"].tolist()
    assert beyond.get_ydata().tolist() == [10.0, 9.0]
    assert price.get_xlabel() == "Budget (EUR)"
    assert profit.get_title(loc="left").startswith("Beyond 4 EUR more budget brings nothing")


def test_a_curve_with_nothing_beyond_can_be_drawn():
    figure = budget_figure(budget_curve([[-1.0]], [[0.0]]))

    assert "Beyond 0 shop currency" in figure.axes[0].get_title(loc="left")


def test_the_trade_off_figure_has_a_line_for_each_order(tmp_path):
    random = np.random.default_rng(0)
    table = trade_off(random.random(40), *random.lognormal(3, 1, (3, 40)))

    figure = trade_off_figure(table, "EUR")

    reached = figure.axes[0]
    assert [line.get_label() for line in reached.lines] == ["by churn risk", "by expected profit"]
    assert reached.lines[0].get_ydata()[-1] == pytest.approx(1.0)
    figure.savefig(tmp_path / "figure.png")
