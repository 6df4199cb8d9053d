"""Every metric of orders against SQL written on its own, month by month, on a real shop."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.history.history import History
from features.intake.mapping import Mapping, TableMapping
from features.metrics.catalogue import METRICS
from features.metrics.retention import retention_metrics

HORIZON = 90
QUERY = """
WITH bought AS (SELECT * FROM rows WHERE amount > 0),
firsts AS (SELECT customer_id, min(t) AS first_t, arg_min(country, (t, country)) AS country
           FROM bought GROUP BY ALL),
customers AS (
    SELECT f.customer_id, first_t, f.country,
        bool_or(t > $start - INTERVAL 90 DAY AND t < $start) AS at_start,
        bool_or(t > $end - INTERVAL 90 DAY AND t < $end) AS at_end,
        count(*) FILTER (t >= $start AND t < $end) AS n,
        coalesce(sum(amount) FILTER (t >= $start AND t < $end), 0) AS now,
        coalesce(sum(amount) FILTER (t >= $before AND t < $start), 0) AS prior
    FROM firsts f JOIN bought b USING (customer_id) GROUP BY ALL
    HAVING first_t < $end
),
intervals AS (
    SELECT d - lag(d) OVER (PARTITION BY customer_id ORDER BY d) AS gap, d
    FROM (SELECT DISTINCT customer_id, t::DATE AS d FROM bought JOIN firsts USING (customer_id)
          WHERE ($country IS NULL OR firsts.country = $country))
),
back AS (
    SELECT -coalesce(sum(amount), 0) AS refunds FROM rows LEFT JOIN firsts USING (customer_id)
    WHERE amount < 0 AND t >= $start AND t < $end
        AND ($country IS NULL OR (firsts.country = $country AND first_t < $end))
),
told AS (
    SELECT
        count(*) FILTER (at_start) AS customers_at_start,
        count(*) FILTER (first_t >= $start) AS new_customers,
        count(*) FILTER (n > 0 AND first_t < $start AND NOT at_start) AS reactivated_customers,
        count(*) FILTER (at_start AND at_end) AS retained_customers,
        count(*) FILTER (at_start AND NOT at_end) AS lost_customers,
        count(*) FILTER (n > 0 AND NOT at_start AND NOT at_end) AS passing_customers,
        count(*) FILTER (at_end) AS customers_at_end,
        sum(n)::DOUBLE AS orders,
        count(*) FILTER (n > 0) AS buyers,
        count(*) FILTER (n > 1) AS repeat_buyers,
        count(*) FILTER (n > 1 OR n = 1 AND first_t < $start) AS returning_buyers,
        sum(now) AS revenue,
        sum(prior) AS previous_period_revenue,
        coalesce(sum(now) FILTER (first_t >= $start), 0) AS revenue_new,
        coalesce(sum(now) FILTER (first_t < $start AND prior = 0), 0) AS revenue_returned,
        sum(greatest(now - prior, 0) * (now > 0 AND prior > 0)::INT) AS revenue_more,
        sum(greatest(prior - now, 0) * (now > 0 AND prior > 0)::INT) AS revenue_less,
        coalesce(sum(prior) FILTER (now = 0), 0) AS revenue_gone,
        sum(least(now, prior)) AS kept,
        coalesce(sum(now) FILTER (prior > 0), 0) AS from_before
    FROM customers WHERE $country IS NULL OR country = $country
)
SELECT told.* EXCLUDE (kept, from_before), refunds,
    revenue - refunds AS net_revenue,
    refunds / nullif(revenue, 0) AS refund_rate,
    revenue / nullif(orders, 0) AS aov,
    orders / nullif(buyers, 0) AS purchase_frequency,
    repeat_buyers / nullif(buyers, 0) AS repeat_customer_rate,
    returning_buyers / nullif(buyers, 0) AS returning_customer_rate,
    (customers_at_end - new_customers - reactivated_customers) / nullif(customers_at_start, 0)
        AS customer_retention_rate,
    lost_customers / nullif(customers_at_start, 0) AS churn_rate,
    kept / nullif(previous_period_revenue, 0) AS gross_revenue_retention,
    from_before / nullif(previous_period_revenue, 0) AS net_revenue_retention,
    (SELECT avg(gap) FROM intervals WHERE d >= $start AND d < $end) AS days_between_purchases
FROM told, back
"""
OF_ORDERS = [m.name for m in METRICS if m.family != "loyalty"]


@pytest.fixture(scope="module")
def told(data_dir):
    """What is found by Holdfast, and a function that asks the database the same."""
    path = data_dir / "online_retail_ii" / "orders.parquet"
    attributes = TableMapping(attributes={"country": "text"})
    mapping = Mapping(tables={"orders": attributes}, currency="GBP")
    found = retention_metrics(History.open(path, mapping), HORIZON, by="country")
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE rows AS SELECT customer_id, ordered_at AS t, amount, country "
            f"FROM '{path}' WHERE customer_id IS NOT NULL"
        )

        def ask(start, end, country):
            before = start - pd.DateOffset(months=1)
            given = {"start": start, "end": end, "before": before, "country": country}
            return connection.execute(QUERY, given).df().iloc[0]

        yield found.table, ask


@pytest.mark.parametrize("country", [None, "United Kingdom", "Germany", "EIRE"])
def test_every_month_is_as_sql_says(told, country):
    table, ask = told
    rows = table[table["group"].isna() if country is None else table["group"] == country]
    assert len(rows) == 25 and set(OF_ORDERS) == set(
        ask(*rows[["start", "end"]].iloc[1], country).index
    )
    for _, found in rows.iterrows():
        expected = ask(found["start"], found["end"], country).astype(float)
        known = found[OF_ORDERS].astype(float)
        if found["start"] == pd.Timestamp("2009-12-01"):  # Nobody knows what was before.
            expected[known.isna()] = np.nan
            assert known.isna().sum() > 5
        np.testing.assert_allclose(known, expected[OF_ORDERS], rtol=1e-9, atol=1e-6)
