"""Polars waits for its threads holding the interpreter's lock: beside others it may wait for ever.

So whatever is read of a history is read before folds are worked on side by side.
"""

import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import wraps
from typing import Any

import polars as pl
import pytest

from training.panel.panel import build_panel
from training.pipeline import train
from training.registry.tracking import Tracker
from training.selection.ablation import ablate
from training.selection.parallel import side_by_side
from training.selection.rolling import backtest_churn

# Whatever works on data; expressions only say what is to be done.
FRAMES = (pl.DataFrame, pl.LazyFrame, pl.Series)
FUNCTIONS = ("collect_all", "concat", "from_arrow", "from_dict", "from_pandas")
Work = Callable[..., Any]


class Watch(dict[str, set[threading.Thread]]):
    """What was done, and by which threads."""

    def note(self, what: str) -> None:
        self.setdefault(what, set()).add(threading.current_thread())

    def over(self, what: str, work: Work) -> Work:
        """The same work, noted whenever it is done."""

        @wraps(work)
        def noted(*args: Any, **named: Any) -> Any:
            self.note(what)
            return work(*args, **named)

        return noted

    @property
    def elsewhere(self) -> set[str]:
        """What the main thread did not do alone."""
        return {what for what, threads in self.items() if threads != {threading.main_thread()}}


@pytest.fixture
def polars_work() -> Iterator[Watch]:
    """All of it while a test runs; it is done all the same."""
    watch = Watch()
    with pytest.MonkeyPatch.context() as patch:
        for kind in FRAMES:
            for name, method in inspect.getmembers(kind, inspect.isfunction):
                if name == "__init__" or not name.startswith("_"):
                    patch.setattr(kind, name, watch.over(f"{kind.__name__}.{name}", method))
        for name in FUNCTIONS:
            patch.setattr(pl, name, watch.over(name, getattr(pl, name)))
        yield watch


@pytest.fixture
def folds() -> Watch:
    """Where it was told, in words, that a fold is being worked on."""
    return Watch()


def test_results_come_in_the_order_of_the_items():
    assert side_by_side(lambda number: -number, range(20)) == [-number for number in range(20)]


def test_an_error_at_one_item_is_the_callers():
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 / number, [1, 0])


def test_polars_work_in_a_thread_is_seen(polars_work):
    """So that the tests below could fail."""
    frame = pl.DataFrame({"customer_id": ["a", "b"]})
    with ThreadPoolExecutor(max_workers=1) as pool:
        counted = pool.submit(lambda: frame.lazy().collect().group_by("customer_id").len())
        pool.submit(lambda: counted.result().to_pandas()).result()

    assert polars_work.elsewhere >= {
        "LazyFrame.collect", "DataFrame.group_by", "DataFrame.to_pandas",
    }  # fmt: skip


@pytest.mark.parametrize("clv_horizon", [90, 30])
def test_a_training_leaves_polars_to_the_main_thread(
    shop, polars_work, folds, tmp_path, clv_horizon
):
    config = replace(shop.config, clv_horizon_days=clv_horizon)

    train(shop.history, shop.as_of, config, Tracker(f"sqlite:///{tmp_path}/mlflow.db"), folds.note)

    assert polars_work.elsewhere == set()
    assert polars_work.keys() >= {"LazyFrame.collect", "DataFrame.group_by"}
    worked = {words for words in folds.elsewhere if words.startswith("backtest of ")}
    assert {words.split(" at ")[0] for words in worked} == {
        "backtest of churn risk", "backtest of CLV",
    }  # fmt: skip
    assert folds.elsewhere == worked


def test_an_ablation_leaves_polars_to_the_main_thread(shop, polars_work, folds):
    panels = [build_panel(shop.past, 90, shop.config, window_days=days) for days in (90, 45)]
    backtest = backtest_churn(panels, shop.config)

    ablate(panels, backtest, shop.config, folds.note)

    assert polars_work.elsewhere == set()
    assert {words.split(" at ")[0] for words in folds.elsewhere} >= {"without rhythm"}
