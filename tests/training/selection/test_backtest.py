import numpy as np
import pytest

from training.evaluation import log_loss


def test_means_and_spread_are_over_origins(fitted):
    backtest = fitted[0].backtest
    by_hand = [log_loss(j.judge.churned, j.forecast) for j in backtest.of("past_rate")]

    assert backtest.means().loc["past_rate", "log_loss"] == pytest.approx(np.mean(by_hand))
    assert backtest.spread().loc["past_rate", "log_loss"] == pytest.approx(
        abs(by_hand[0] - by_hand[1]) / 2**0.5
    )
    assert backtest.spread().index.tolist() == backtest.means().index.tolist()
