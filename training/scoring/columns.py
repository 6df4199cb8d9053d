"""Every column of scores: the contract between the batch, its file, the service and its readers."""

from __future__ import annotations

from typing import Literal, get_args

from features.table_column import DAYS, MONEY, PERCENT, PROBABILITY, TableColumn, as_markdown

Stage = Literal["new", "active", "at_risk", "lapsed"]
STAGES: tuple[Stage, ...] = get_args(Stage)
# Those who have not churned by the definition; offers and lists are about them unless told.
LIVE_STAGES: tuple[Stage, ...] = STAGES[:-1]
LAPSED: Stage = STAGES[-1]
# In days: the horizons that people name.
SURVIVAL_DAYS = (30, 60, 90, 180, 365)
SURVIVAL = tuple(f"survival_{days}d" for days in SURVIVAL_DAYS)
REASONS = ("reason_1", "reason_2", "reason_3")


class ScoreColumn(TableColumn):
    """A column of scores."""


SCORE_COLUMNS = (
    ScoreColumn("customer_id", "", "As in the history.", "text"),
    ScoreColumn(
        "as_of",
        "",
        "The instant of prediction, on the shop's wall clock.",
        "instant",
        constant=True,
    ),
    ScoreColumn("horizon_days", DAYS, "Horizon of churn, in days.", "whole", constant=True),
    ScoreColumn(
        "churn_risk",
        PROBABILITY,
        "Probability of no order in the `horizon_days` after `as_of`, 0 to 1.",
    ),
    ScoreColumn(
        "risk_percentile",
        PERCENT,
        "Rank of the risk among all customers, 0 to 100; 100 is the riskiest.",
        nullable=True,
    ),
    ScoreColumn("stage", "", "`lapsed`, `new`, `at_risk` or `active`.", "text", texts=STAGES),
    ScoreColumn(
        "stage_percentile", PERCENT, "Rank of the risk within the stage, 0 to 100.", nullable=True
    ),
    ScoreColumn(
        "p_alive",
        PROBABILITY,
        "Probability that the customer has not left for good, that is, of an order however late; "
        "0 to 1.",
    ),
    ScoreColumn(
        "expected_next_order",
        "",
        "Date by which the next order is as likely as not to have come; null if that is beyond the "
        "CLV window.",
        "date",
        nullable=True,
    ),
    ScoreColumn("survival_30d", PROBABILITY, "Probability of no order within 30 days, 0 to 1."),
    *(
        ScoreColumn(f"survival_{days}d", PROBABILITY, f"The same within {days} days.")
        for days in SURVIVAL_DAYS[1:]
    ),
    ScoreColumn(
        "clv_horizon_days", DAYS, "Length of the CLV window, in days.", "whole", constant=True
    ),
    ScoreColumn(
        "clv",
        MONEY,
        "Expected net spend in the CLV window: `p_active` x `orders_if_active` x `order_value`; in "
        "`currency`.",
    ),
    ScoreColumn(
        "clv_low",
        MONEY,
        "Lower end of the 80% interval of net spend in the CLV window, its 10% quantile: 0 where "
        "the chance of no order is 10% or more; in `currency`.",
    ),
    ScoreColumn(
        "clv_high",
        MONEY,
        "Upper end of that interval, the 90% quantile: 0 where the chance of an order is 10% or "
        "less; in `currency`.",
    ),
    ScoreColumn("p_active", PROBABILITY, "Probability of an order in the CLV window, 0 to 1."),
    ScoreColumn(
        "orders_if_active",
        "purchase days",
        "Expected purchase days in the CLV window given at least one.",
    ),
    ScoreColumn(
        "order_value", MONEY, "Expected value of one of these purchase days; in `currency`."
    ),
    ScoreColumn(
        "expected_orders",
        "purchase days",
        "Expected purchase days in the CLV window: `p_active` x `orders_if_active`.",
    ),
    ScoreColumn(
        "clv_if_active",
        MONEY,
        "Expected net spend in the CLV window given an order in it: `orders_if_active` x "
        "`order_value`; in `currency`.",
    ),
    ScoreColumn(
        "spend_if_active_low",
        MONEY,
        "Lower end of the 80% interval of net spend in the CLV window given an order in it; in "
        "`currency`.",
    ),
    ScoreColumn("spend_if_active_high", MONEY, "Upper end of that interval; in `currency`."),
    ScoreColumn(
        "value_at_stake",
        MONEY,
        "`churn_risk` x `clv_if_active`, of everybody: what offers go by; in `currency`.",
    ),
    ScoreColumn(
        "value_at_risk",
        MONEY,
        "The same of live customers, null for the lapsed: they are gone already; in `currency`.",
        nullable=True,
    ),
    ScoreColumn(
        "win_back_value",
        MONEY,
        "The same of the lapsed, null for live customers; in `currency`.",
        nullable=True,
    ),
    ScoreColumn("days_since_last_order", DAYS, "From the last order to `as_of`, in days."),
    ScoreColumn(
        "reason_1",
        "",
        "What raises the risk most, in words; null where it was not asked for, or nothing does.",
        "text",
        nullable=True,
    ),
    ScoreColumn("reason_2", "", "What raises it next.", "text", nullable=True),
    ScoreColumn("reason_3", "", "And next.", "text", nullable=True),
    ScoreColumn("churn_model", "", "The candidate behind `churn_risk`.", "text"),
    ScoreColumn("basis", "", "What the risk rests on, in words.", "text"),
    ScoreColumn("churn_model_version", "", "Version of `churn-risk`.", "whole", constant=True),
    ScoreColumn("clv_model_version", "", "Version of `clv-forecast`.", "whole", constant=True),
)
COLUMNS = tuple(column.name for column in SCORE_COLUMNS)

INTRODUCTION = """\
# Scores

`holdfast score` writes one row per customer with these columns, the live stages first, then the
lapsed, each by what is at stake; the HTTP API answers with the same fields. They are generated from
the code: `python -m training.scoring.columns > docs/scores.md`.

- Amounts are in the shop's currency, null where it never named one. Times are on its wall clock.
- [Definitions](definitions.md#the-forecast-of-a-customer) say how the figures of a row hang
  together.
- In CSV `expected_next_order` is a date such as `2026-02-14`, in Parquet a column of dates.

"""


def document() -> str:
    """`docs/scores.md`."""
    return INTRODUCTION + as_markdown(SCORE_COLUMNS)


if __name__ == "__main__":
    print(document(), end="")
