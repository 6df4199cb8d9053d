"""Each export of docs/quickstarts.md becomes scores by the one command that stands there."""

import re
import shlex
from pathlib import Path

import polars as pl
import pytest

from simulation import simulate

PAGE = (Path(__file__).parents[2] / "docs" / "quickstarts.md").read_text(encoding="utf-8")
COMMANDS = dict(
    reversed(line.removeprefix("holdfast ").split("#"))
    for line in re.search(r"```sh\n(holdfast score .*?)```", PAGE, re.DOTALL)[1].splitlines()
)
COMMANDS = {name.strip(): shlex.split(command) for name, command in COMMANDS.items()}


def shopify(orders: pl.DataFrame) -> pl.DataFrame:
    first = orders.select(
        pl.lit(1).alias("line"),
        ("#" + pl.col("id")).alias("Name"),
        pl.col("mail").alias("Email"),
        pl.lit("paid").alias("Financial Status"),
        pl.lit("EUR").alias("Currency"),
        pl.col("total").alias("Total"),
        (pl.col("when") + " +0000").alias("Created at"),
        pl.lit("1").alias("Lineitem quantity"),
        pl.col("back").alias("Refunded Amount"),
    )
    blank = {"Financial Status": "", "Total": "", "Currency": "", "Refunded Amount": ""}
    below = first.with_columns(line=pl.lit(2), **{k: pl.lit(v) for k, v in blank.items()})
    return pl.concat([first, below]).sort("Name", "line").drop("line")


def woocommerce(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.select(
        pl.col("id").alias("order_id"),
        pl.col("when").alias("order_date"),
        pl.lit("completed").alias("status"),
        pl.col("total").alias("order_total"),
        pl.col("back").alias("refunded_total"),
        pl.lit("EUR").alias("order_currency"),
        pl.lit("0").alias("customer_id"),
        pl.col("mail").alias("billing_email"),
    )


def stripe(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.select(
        ("ch_" + pl.col("id")).alias("id"),
        pl.col("when").alias("Created date (UTC)"),
        pl.col("total").alias("Amount"),
        pl.col("back").alias("Amount Refunded"),
        pl.lit("eur").alias("Currency"),
        pl.lit("Paid").alias("Status"),
        pl.col("mail").alias("Customer Email"),
    )


def with_refunds(orders: pl.DataFrame, sign: str) -> pl.DataFrame:
    """Refunds in rows of their own, as payment services have them."""
    back = orders.filter(pl.col("back") != "0.00").with_columns(
        of=pl.col("id"), id=pl.lit("R") + pl.col("id"), total=pl.lit(sign) + pl.col("back")
    )
    return pl.concat([orders.with_columns(of=pl.lit("")), back])


def paypal(orders: pl.DataFrame) -> pl.DataFrame:
    refund = pl.col("of") != ""
    return with_refunds(orders, "-").select(
        pl.col("when").str.slice(0, 10).alias("Date"),
        pl.col("when").str.slice(11).alias("Time"),
        pl.when(refund).then(pl.lit("Payment Refund")).otherwise(pl.lit("Payment")).alias("Type"),
        pl.lit("Completed").alias("Status"),
        pl.lit("EUR").alias("Currency"),
        pl.col("total").alias("Gross"),
        pl.when(refund).then(pl.lit("shop@x.com")).otherwise("mail").alias("From Email Address"),
        pl.col("id").alias("Transaction ID"),
        pl.col("of").alias("Reference Txn ID"),
    )


def square(orders: pl.DataFrame) -> pl.DataFrame:
    money = pl.col("total").str.replace(r"(\d)", "$$${1}")
    return with_refunds(orders, "-").select(
        pl.col("when").str.slice(0, 10).alias("Date"),
        pl.col("when").str.slice(11).alias("Time"),
        money.alias("Gross Sales"),
        money.alias("Net Sales"),
        money.alias("Total Collected"),
        pl.col("id").alias("Transaction ID"),
        pl.lit("Payment").alias("Event Type"),
        pl.col("mail").alias("Customer ID"),
    )


EXPORTS = {
    "Shopify": shopify,
    "WooCommerce": woocommerce,
    "PayPal": paypal,
    "Stripe": stripe,
    "Square": square,
}


@pytest.fixture(scope="module")
def orders() -> pl.DataFrame:
    """A small shop's orders as text: id, mail, when, total, and what was given back."""
    bought = simulate(150, 800, 3).orders.filter(pl.col("amount") > 0).sort("ordered_at")
    number = pl.int_range(pl.len())
    return bought.select(
        id=(1000 + number).cast(pl.String),
        mail=pl.col("customer_id") + "@example.com",
        when=pl.col("ordered_at").dt.strftime("%Y-%m-%d %H:%M:%S"),
        total=pl.col("amount").round(2).map_elements("{:.2f}".format, pl.String),
        back=pl.when(number % 20 == 0).then(pl.lit("1.50")).otherwise(pl.lit("0.00")),
    )


def test_every_export_of_the_page_is_tried():
    assert COMMANDS.keys() == EXPORTS.keys()


@pytest.mark.parametrize("name", EXPORTS)
def test_one_command_makes_scores_of_an_export(name, orders, holdfast, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command, file, *options = COMMANDS[name]
    EXPORTS[name](orders).write_csv(file)

    checked = holdfast("check", file, "--json")
    found = holdfast(command, file, *options, uri=f"sqlite:///{tmp_path}/mlruns/mlflow.db")

    assert checked.exit_code == 0, checked.output
    assert found.exit_code == 0, found.output
    assert "note: orders read as" in found.stderr
    scored = set(pl.read_csv("scores.csv", infer_schema=False)["customer_id"])
    assert scored == {mail.lower() for mail in orders["mail"]}
