from dataclasses import replace

import numpy as np
import pytest

from features.table import feature_table
from training.evaluation import auc, log_loss
from training.models.churn import ChurnModel
from training.panel.splits import rolling_origin
from training.panel.training_sets import taught
from training.selection.ablation import PARTS, ablate, families, without

ALL = ("recency", "frequency", "spend", "rhythm", "returns", "feedback", "exposure", "profile")


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def ablated(shop, fitted, told):
    return {
        a.without: a
        for a in ablate([fitted[0].panel], fitted[0].backtest, shop.config, told.append)
    }


def test_every_family_and_both_parts_of_the_pool_are_left_out_once(ablated):
    assert tuple(ablated) == (*ALL, *PARTS)


def test_the_families_are_the_columns_of_the_table(shop):
    columns = [name for names in families(shop.past).values() for name in names]

    assert ["horizon_days", *columns] == list(feature_table(shop.past, shop.as_of, 90).columns)


def test_a_shop_without_customer_attributes_still_has_the_family(history_of):
    assert families(history_of(("a", "2024-01-01", 1.0)))["profile"] == []


def test_the_pool_without_a_part_is_the_candidate_of_the_other(fitted, ablated):
    backtest = fitted[0].backtest
    loss = {
        name: np.array([_losses(j).mean() for j in backtest.of(name)])
        for name in ("pool", "btyd", "trees")
    }

    for part, candidate in PARTS.items():
        expected = (loss[candidate] - loss["pool"]).mean()
        assert ablated[part].log_loss.difference == pytest.approx(expected)
        assert ablated[part].log_loss.low < expected < ablated[part].log_loss.high
        means = backtest.means()["auc"]
        assert ablated[part].auc == pytest.approx(means[candidate] - means["pool"])
        assert ablated[part].columns is None


def _losses(judged) -> np.ndarray:
    y, p = judged.judge.churned, judged.forecast
    return -np.log(np.where(y == 1, p, 1 - p))


def test_a_family_left_out_is_a_pool_of_trees_that_never_saw_it(shop, fitted, ablated):
    """By hand: the columns are made constant, so that no tree can part anybody by them."""
    panel, config = fitted[0].panel, shop.config
    losses, aucs = [], []
    for fold, full in zip(
        rolling_origin(panel, config.origins), fitted[0].backtest.of("pool"), strict=True
    ):
        training_sets, origin = taught(fold, config)
        blank = dict.fromkeys(families(shop.past)["rhythm"], 0.0)
        blind = [
            replace(x, snapshots=tuple(replace(s, X=s.X.assign(**blank)) for s in x.snapshots))
            for x in training_sets
        ]
        model = ChurnModel("pool", 90, config.seed).learn(blind, origin)
        seen = fold.judge.untreated
        risk, truth = model.predict_proba(seen.X)[:, 1], seen.churned
        losses.append(log_loss(truth, risk) - log_loss(truth, full.forecast))
        aucs.append(auc(truth, risk) - auc(truth, full.forecast))

    found = ablated["rhythm"]

    assert found.log_loss.difference == pytest.approx(np.mean(losses))
    assert found.auc == pytest.approx(np.mean(aucs))


def test_a_family_without_a_usable_column_is_left_alone(shop, fitted, told):
    """Nobody has feedback: every such column says the same of everybody."""
    panel = fitted[0].panel
    names = families(shop.past)["feedback"]
    snapshots = tuple(
        replace(s, X=s.X.assign(**dict.fromkeys(names, 0.0))) for s in panel.snapshots
    )
    mute = replace(panel, snapshots=snapshots)
    said: list[str] = []

    found = {a.without: a for a in ablate([mute], fitted[0].backtest, shop.config, said.append)}

    assert found["feedback"].columns == 0
    assert found["feedback"].log_loss is None
    assert found["feedback"].auc is None
    assert not [words for words in said if "feedback" in words]


def test_it_tells_what_it_is_doing(ablated, told):
    origins = [words for words in told if words.startswith("without rhythm at 2025-")]

    assert len(origins) == 2


def test_a_history_that_judges_nothing_ablates_nothing(shop, fitted):
    short = replace(fitted[0].panel, snapshots=fitted[0].panel.snapshots[-2:])

    assert ablate([short], fitted[0].backtest, shop.config) == []


def test_leaving_columns_out_keeps_the_training_set_and_its_mbg_nbd(shop, fitted):
    training_set = fitted[0].panel.training_set(2)

    fewer = without(training_set, {"orders", "spend"})

    assert set(training_set.frame.columns) - set(fewer.frame.columns) == {"orders", "spend"}
    assert [s.btyd for s in fewer.snapshots] == [s.btyd for s in training_set.snapshots]
    assert "orders" in training_set.frame
