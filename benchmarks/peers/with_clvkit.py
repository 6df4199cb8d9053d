"""clvkit: its `CLV` of BG/NBD (its default) or MBG/NBD, with Gamma-Gamma spend.

As its README shows, but with days as the unit, because a horizon must be a whole number of units.
No discount: the labels have none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from clvkit import BGNBD, CLV, MBGNBD, CustomerBase

from benchmarks.peers.job import Job, no_purchase, run

MODELS = {"bgnbd": BGNBD, "mbgnbd": MBGNBD}


def forecast(job: Job) -> pd.DataFrame:
    """P(no purchase in the horizon) or, as `:p_alive`, its P(alive); and its CLV."""
    name, _, shortcut = job.model.partition(":")
    base = CustomerBase.from_transactions(
        job.purchases(), time_unit="D", collapse="D", observation_period_end=job.end
    )
    model = MODELS[name]()
    clv = CLV(transaction_model=model).fit(base)
    p_alive = model.probability_alive().to_pandas()
    job.notes[name] = {k: float(v) for k, v in model.params_.items()}
    job.notes["gamma_gamma"] = {k: float(v) for k, v in clv.monetary_model.params_.items()}
    if shortcut:
        return pd.DataFrame({"churn_risk": 1.0 - _column(p_alive), "spend": np.nan})
    value = clv.predict(horizon=job.horizon_days).to_pandas()
    rfm = base.to_pandas()
    r, alpha = model.params_["r"], model.params_["alpha"]
    alive = _column(p_alive).loc[rfm.index]
    risk = no_purchase(alive, r, alpha, rfm["frequency"], rfm["T"], job.horizon_days)
    return pd.DataFrame({"churn_risk": pd.Series(risk, rfm.index), "spend": value["clv"]})


def _column(prediction: pd.DataFrame | pd.Series) -> pd.Series:
    return prediction if isinstance(prediction, pd.Series) else prediction.iloc[:, 0]


if __name__ == "__main__":
    run(forecast, "clvkit", "numpy", "scipy", "pandas")
