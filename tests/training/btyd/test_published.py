"""The 1/10 sample of CDNOW, in weeks up to 1997-09-30, against the estimates of the papers."""

from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from training.btyd import BGNBD, MBGNBD, GammaGamma, ParetoNBD

END = pl.date(1997, 9, 30)
PUBLISHED = {
    BGNBD: {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    MBGNBD: {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    ParetoNBD: {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669},
}


class Cdnow(NamedTuple):
    frequency: np.ndarray
    recency: np.ndarray
    T: np.ndarray
    spend: np.ndarray
    later: np.ndarray


@pytest.fixture(scope="module")
def cdnow(data_dir) -> Cdnow:
    orders = pl.read_parquet(data_dir / "cdnow" / "sample_orders.parquet")
    days = orders.with_columns(day=pl.col("ordered_at").dt.date())
    days = days.group_by("customer_id", "day").agg(pl.col("amount").sum())
    first = pl.col("day").min().over("customer_id")
    days = days.with_columns(first=first, seen=pl.col("day") <= END)
    repeat = pl.col("seen") & (pl.col("day") > pl.col("first"))
    last = pl.col("day").filter("seen").max()
    start = pl.col("first").first()
    table = days.group_by("customer_id", maintain_order=False).agg(
        x=repeat.sum().cast(pl.Float64),
        t_x=(last - start).dt.total_days() / 7,
        T=(END - start).dt.total_days() / 7,
        spend=pl.col("amount").filter(repeat).mean().fill_null(0.0),
        later=(~pl.col("seen")).sum().cast(pl.Float64),
    )
    return Cdnow(*(table.sort("customer_id")[name].to_numpy() for name in table.columns[1:]))


@pytest.fixture(scope="module", params=PUBLISHED, ids=lambda model: model.__name__)
def fitted(request, cdnow):
    return request.param().fit(cdnow.frequency, cdnow.recency, cdnow.T)


def test_the_sample_has_2357_customers_of_whom_946_came_again(cdnow):
    assert len(cdnow.T) == 2357
    assert (cdnow.frequency > 0).sum() == 946


def test_the_published_parameters_are_found(fitted):
    rounded = {name: round(value, 3) for name, value in fitted.parameters.items()}

    assert rounded == PUBLISHED[type(fitted)]
    assert fitted.converged_
    assert fitted.message_ == "converged"


@pytest.mark.parametrize(
    ("model", "log_likelihood"), [(BGNBD, -9582.4), (ParetoNBD, -9595.0)], ids=["BG", "Pareto"]
)
def test_the_published_likelihood_is_reached(cdnow, model, log_likelihood):
    fitted = model().fit(cdnow.frequency, cdnow.recency, cdnow.T)

    assert fitted.log_likelihood_ == pytest.approx(log_likelihood, abs=0.05)


def test_the_published_forecast_of_the_first_customer():
    """Customer 0001: x = 2, t_x = 30.43, T = 38.86; 1.226 purchases in the next 39 weeks."""
    model = BGNBD.from_parameters(PUBLISHED[BGNBD])

    assert model.expected_purchases(39.0, 2, 30.43, 38.86) == pytest.approx(1.226, abs=5e-4)


def test_forecasts_of_the_next_39_weeks_come_true_in_total(cdnow, fitted):
    expected = fitted.expected_purchases(39.0, cdnow.frequency, cdnow.recency, cdnow.T)
    none = fitted.p_no_purchase(39.0, cdnow.frequency, cdnow.recency, cdnow.T)

    assert expected.sum() == pytest.approx(cdnow.later.sum(), rel=0.2)
    assert none.mean() == pytest.approx((cdnow.later == 0).mean(), abs=0.1)


def test_gamma_gamma_of_the_mean_repeat_purchase(cdnow):
    again = cdnow.frequency > 0

    fitted = GammaGamma().fit(cdnow.frequency[again], cdnow.spend[again])

    rounded = {name: round(value, 2) for name, value in fitted.parameters.items()}
    assert rounded == {"p": 6.25, "q": 3.74, "v": 15.44}
    assert fitted.converged_
