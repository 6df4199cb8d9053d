"""LightGBM with default settings on recency, frequency, age and mean purchase at one past cut.

The recipe of the tutorials: take the table one horizon before `as_of`, learn what came next, and
apply it to the table at `as_of`.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.peers.job import Job, run


def forecast(job: Job) -> pd.DataFrame:
    """Churn by LGBMClassifier(), spend by LGBMRegressor(), each clipped to what is possible."""
    purchases = job.purchases()
    cut = job.end - pd.Timedelta(days=job.horizon_days)
    labels = pd.read_parquet(job.folder / "labels.parquet").set_index("customer_id")
    learn, apply = rfm_table(purchases[purchases["date"] < cut], cut), rfm_table(purchases, job.end)
    labels = labels.loc[learn.index]
    job.notes["learnt_from_customers"] = len(learn)
    classifier = lgb.LGBMClassifier(n_jobs=1, verbosity=-1).fit(learn, labels["churned"])
    regressor = lgb.LGBMRegressor(n_jobs=1, verbosity=-1).fit(learn, labels["spend"])
    return pd.DataFrame(
        {
            "churn_risk": np.asarray(classifier.predict_proba(apply))[:, 1],
            "spend": np.clip(np.asarray(regressor.predict(apply)), 0.0, None),
        },
        index=apply.index,
    )


def rfm_table(purchases: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Days since the last purchase, purchase days, days since the first, mean of a purchase day.

    Examples
    --------
    >>> purchases = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b"], "amount": [10.0, 20.0, 5.0],
    ...     "date": pd.to_datetime(["2024-01-01", "2024-01-11", "2024-01-20"])})
    >>> rfm_table(purchases, pd.Timestamp("2024-01-21"))
                 recency  frequency   T  monetary_value
    customer_id
    a                 10          2  20            15.0
    b                  1          1   1             5.0
    """
    found = purchases.groupby("customer_id").agg(
        first=("date", "min"),
        last=("date", "max"),
        frequency=("date", "size"),
        monetary_value=("amount", "mean"),
    )
    return pd.DataFrame(
        {
            "recency": (as_of - found["last"]).dt.days,
            "frequency": found["frequency"],
            "T": (as_of - found["first"]).dt.days,
            "monetary_value": found["monetary_value"],
        }
    )


if __name__ == "__main__":
    run(forecast, "lightgbm", "numpy", "pandas")
