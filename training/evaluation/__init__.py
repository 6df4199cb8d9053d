"""Judge forecasts against what happened: arrays in, numbers and small tables out.

Every metric takes two arrays of shape (n,), what happened and what was forecast, in the same order
of customers: `churned` (bool or 0/1) and `churn_risk` (probability of `churned`), or `spend` and
`forecast` (both 0 or more, in the shop's currency). Row order never changes a result: customers
with equal forecasts are treated alike. Where a metric has no meaning (only one class, nobody spent,
no differences to rank) it is NaN, so that one poor fold does not stop a backtest; input that cannot
be right raises ValueError.

The metrics of offers are described where they are: rankings by uplift in `uplift`, doubly robust
effects and policy values in `robust`, the profit of a campaign in `profit`.
"""

from training.evaluation.churn import (
    auc,
    average_precision,
    brier,
    churn_metrics,
    ece,
    log_loss,
    log_losses,
    skill,
)
from training.evaluation.doubly_robust import (
    MeanEstimate,
    doubly_robust_scores,
    group_effect,
    policy_difference,
    policy_value,
)
from training.evaluation.group_tables import (
    calibration_table,
    decile_table,
    gain_table,
)
from training.evaluation.intervals import (
    coverage,
    coverage_by_decile,
    interval_score,
)
from training.evaluation.level import LevelError, risk_level, spend_level
from training.evaluation.paired import (
    PairedDifference,
    clustered_bootstrap,
    paired_bootstrap,
)
from training.evaluation.profit import MaximumProfit, RetentionCampaign, expected_maximum_profit
from training.evaluation.spend import (
    TWEEDIE_POWER,
    decile_mape,
    mae,
    mae_over_mean_spend,
    normalised_gini,
    rmse,
    spearman,
    top_20_capture,
    total_bias,
    tweedie_deviance,
    tweedie_losses,
    value_metrics,
)
from training.evaluation.uplift import auuc, qini, uplift_at, uplift_metrics, uplift_table
from training.evaluation.validation import CONFIDENCE, FloatArray, Metric

__all__ = [
    "CONFIDENCE",
    "TWEEDIE_POWER",
    "FloatArray",
    "LevelError",
    "MaximumProfit",
    "MeanEstimate",
    "Metric",
    "PairedDifference",
    "RetentionCampaign",
    "auc",
    "auuc",
    "average_precision",
    "brier",
    "calibration_table",
    "churn_metrics",
    "clustered_bootstrap",
    "coverage",
    "coverage_by_decile",
    "decile_mape",
    "decile_table",
    "doubly_robust_scores",
    "ece",
    "expected_maximum_profit",
    "gain_table",
    "group_effect",
    "interval_score",
    "log_loss",
    "log_losses",
    "mae",
    "mae_over_mean_spend",
    "normalised_gini",
    "paired_bootstrap",
    "policy_difference",
    "policy_value",
    "qini",
    "risk_level",
    "rmse",
    "skill",
    "spearman",
    "spend_level",
    "top_20_capture",
    "total_bias",
    "tweedie_deviance",
    "tweedie_losses",
    "uplift_at",
    "uplift_metrics",
    "uplift_table",
    "value_metrics",
]
