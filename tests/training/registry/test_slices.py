from dataclasses import replace

import numpy as np
import pytest

from training.registry.slices import FEWEST_ROWS, RETURNING, slices
from training.scoring.reference import live_or_lapsed


def test_the_slices_of_a_grouping_hold_every_row_once(fitted):
    for model in fitted:
        found = slices(model)
        rows = sum(len(j.judge) for j in model.backtest.of(model.backtest.chosen))

        assert list(found["by"].unique()) == ["stage", "past spend", "channel"]
        assert (found.groupby("by")["customers"].sum() == rows).all()


def test_a_slice_has_the_means_of_its_rows(fitted):
    backtest = fitted[0].backtest
    judged = backtest.of(backtest.chosen)
    lapsed = [live_or_lapsed(j.judge.X) == "lapsed" for j in judged]
    forecast = np.concatenate([j.forecast[rows] for j, rows in zip(judged, lapsed, strict=True)])
    churned = np.concatenate([j.judge.churned[r] for j, r in zip(judged, lapsed, strict=True)])

    found = slices(fitted[0]).set_index("slice").loc["lapsed"]

    assert found["customers"] == len(forecast)
    assert found["forecast"] == pytest.approx(forecast.mean())
    assert found["truth"] == pytest.approx(churned.mean())
    loss = -np.where(churned == 1, np.log(forecast), np.log1p(-forecast)).mean()
    assert found["loss"] == pytest.approx(loss)


def test_stages_and_thirds_stand_in_their_order(fitted):
    found = slices(fitted[0])

    assert list(found["slice"][:3]) == ["new", RETURNING, "lapsed"]
    assert list(found["slice"][3:6]) == ["lowest third", "middle third", "highest third"]


def test_few_rows_are_counted_and_have_no_figures(fitted):
    backtest = fitted[0].backtest
    few = tuple(
        replace(j, judge=_first_rows(j.judge), forecast=j.forecast[: FEWEST_ROWS // 3])
        for j in backtest.judged
    )

    found = slices(replace(fitted[0], backtest=replace(backtest, judged=few)))

    assert (found["customers"] < FEWEST_ROWS).all()
    assert found["forecast"].isna().all()


def test_there_are_none_without_a_backtest(fitted):
    unjudged = replace(fitted[0], backtest=replace(fitted[0].backtest, judged=()))

    assert slices(unjudged).empty


def _first_rows(judge):
    rows = slice(FEWEST_ROWS // 3)
    labels = {name: getattr(judge, name)[rows] for name in ("churned", "spend", "weight")}
    return replace(judge, X=judge.X.iloc[rows], **labels)
