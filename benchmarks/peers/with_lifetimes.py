"""lifetimes: BG/NBD, MBG/NBD and Pareto/NBD with Gamma-Gamma spend, as its documentation shows.

Time is in days and the summary is lifetimes' own. Where a fit does not converge, the penalizer is
raised step by step, as its error message advises. Equal rows of the summary are fitted once with a
weight, which lifetimes offers and which leaves the likelihood as it is. Of Pareto/NBD it does not
say whether the fit converged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter, ModifiedBetaGeoFitter, ParetoNBDFitter
from lifetimes.utils import ConvergenceError, summary_data_from_transaction_data

from benchmarks.peers.job import Job, no_purchase, run

PENALIZERS = (0.0, 0.001, 0.01, 0.1)
FITTERS = {"bgnbd": BetaGeoFitter, "mbgnbd": ModifiedBetaGeoFitter, "paretonbd": ParetoNBDFitter}


def forecast(job: Job) -> pd.DataFrame:
    """P(no purchase in the horizon), and expected purchases times Gamma-Gamma's mean."""
    np.random.seed(0)  # noqa: NPY002 - Pareto/NBD draws its start from the global generator
    rfm = summary_data_from_transaction_data(
        job.purchases(),
        "customer_id",
        "date",
        monetary_value_col="amount",
        observation_period_end=job.end,
        freq="D",
    )
    name, _, shortcut = job.model.partition(":")
    fitted = _transactions(job, name, rfm)
    x, t_x, T = (rfm[c].to_numpy() for c in ("frequency", "recency", "T"))
    p_alive = np.asarray(fitted.conditional_probability_alive(x, t_x, T))
    if shortcut:
        return pd.DataFrame({"churn_risk": 1.0 - p_alive, "spend": np.nan}, index=rfm.index)
    purchases = np.asarray(
        fitted.conditional_expected_number_of_purchases_up_to_time(job.horizon_days, x, t_x, T)
    )
    if name == "paretonbd":
        risk = fitted.conditional_probability_of_n_purchases_up_to_time(
            0, job.horizon_days, x, t_x, T
        )
    else:
        r, alpha = fitted.params_["r"], fitted.params_["alpha"]
        risk = no_purchase(p_alive, r, alpha, x, T, job.horizon_days)
    spend = purchases * _spend_per_purchase(job, rfm)
    return pd.DataFrame({"churn_risk": np.clip(risk, 0.0, 1.0), "spend": spend}, index=rfm.index)


def _transactions(job: Job, name: str, rfm: pd.DataFrame) -> Any:
    columns = ["frequency", "recency", "T"]
    rows = rfm.groupby(columns).size().rename("weights").reset_index()

    def fit(penalizer: float) -> Any:
        fitter = FITTERS[name](penalizer_coef=penalizer)
        return fitter.fit(*(rows[c] for c in columns), weights=rows["weights"])

    return _converged(job, name, fit)


def _spend_per_purchase(job: Job, rfm: pd.DataFrame) -> np.ndarray:
    """Gamma-Gamma on customers who came back; for the others its population mean."""
    back = rfm[(rfm["frequency"] > 0) & (rfm["monetary_value"] > 0)]

    def fit(penalizer: float) -> Any:
        fitter = GammaGammaFitter(penalizer_coef=penalizer)
        fitter.fit(back["frequency"], back["monetary_value"])
        if fitter.params_["q"] <= 1.0:
            job.notes["gamma_gamma_q_constrained"] = True
            fitter.fit(back["frequency"], back["monetary_value"], q_constraint=True)
        return fitter

    fitted = _converged(job, "gamma_gamma", fit)
    mean = fitted.conditional_expected_average_profit(rfm["frequency"], rfm["monetary_value"])
    return np.asarray(mean)


def _converged(job: Job, name: str, fit: Callable[[float], Any]) -> Any:
    for penalizer in PENALIZERS:
        try:
            fitted = fit(penalizer)
        except (ConvergenceError, np.linalg.LinAlgError) as error:
            job.notes.setdefault("not_converged", []).append(f"{name}, penalizer {penalizer}")
            last = error
            continue
        job.notes[name] = {k: float(v) for k, v in fitted.params_.items()}
        job.notes[f"{name}_penalizer"] = penalizer
        return fitted
    raise last


if __name__ == "__main__":
    run(forecast, "lifetimes", "numpy", "scipy", "pandas", "autograd")
