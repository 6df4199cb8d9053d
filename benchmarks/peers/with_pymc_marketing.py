"""pymc-marketing: BG/NBD, MBG/NBD and Pareto/NBD with its default priors, by maximum a posteriori.

Purchases count by day and time is in weeks, the unit of its quickstart, because its default priors
of the scale (Weibull, around 10) are meant for it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from pymc_marketing.clv import (
    BetaGeoModel,
    GammaGammaModel,
    ModifiedBetaGeoModel,
    ParetoNBDModel,
    rfm_summary,
)

from benchmarks.peers.job import Job, no_purchase, run

WEEK = 7.0
MODELS = {"bgnbd": BetaGeoModel, "mbgnbd": ModifiedBetaGeoModel, "paretonbd": ParetoNBDModel}


def forecast(job: Job) -> pd.DataFrame:
    """P(no purchase in the horizon), and expected purchases times Gamma-Gamma's mean."""
    with warnings.catch_warnings():
        # rfm_summary asks pandas for a deprecated alias on every call.
        warnings.simplefilter("ignore", FutureWarning)
        rfm = rfm_summary(
            job.purchases(),
            "customer_id",
            "date",
            "amount",
            observation_period_end=job.end,
            time_unit="D",
            time_scaler=WEEK,
        )
    weeks = job.horizon_days / WEEK
    model = _fitted(job, job.model, MODELS[job.model](), rfm)
    purchases = _mean(model.expected_purchases(data=rfm, future_t=weeks))
    if job.model == "paretonbd":
        risk = _mean(model.expected_purchase_probability(data=rfm, n_purchases=0, future_t=weeks))
    else:
        p_alive = _mean(model.expected_probability_alive(data=rfm))
        r, alpha = job.notes[job.model]["r"], job.notes[job.model]["alpha"]
        x, T = rfm["frequency"].to_numpy(), rfm["T"].to_numpy()
        risk = no_purchase(p_alive, r, alpha, x, T, weeks)
    back = rfm[(rfm["frequency"] > 0) & (rfm["monetary_value"] > 0)]
    gamma_gamma = _fitted(job, "gamma_gamma", GammaGammaModel(), back)
    spend = purchases * _mean(gamma_gamma.expected_customer_spend(data=rfm))
    forecasts = {"churn_risk": np.clip(risk, 0.0, 1.0), "spend": spend}
    return pd.DataFrame(forecasts, index=pd.Index(rfm["customer_id"]))


def _fitted(job: Job, name: str, model: Any, rfm: pd.DataFrame) -> Any:
    model.fit(data=rfm.reset_index(drop=True), method="map", progressbar=False)
    posterior = model.fit_result
    job.notes[name] = {k: float(v) for k, v in posterior.mean().items()}
    return model


def _mean(draws: Any) -> np.ndarray:
    """The one draw that maximum a posteriori has, in the order of the customers."""
    return np.asarray(draws.mean(("chain", "draw")))


if __name__ == "__main__":
    run(forecast, "pymc-marketing", "pymc", "pytensor", "numpy", "scipy", "pandas")
