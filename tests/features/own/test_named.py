"""Features of a shop's own beside the catalogue: what they may be, on every engine."""

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from features.errors import ExtensionError
from features.feature import Feature
from features.history.history import History
from features.intake.mapping import Mapping
from features.own.named import digests_of, own_features
from features.table import feature_table

AS_OF = "2024-04-01"
MAPPING = Mapping.from_dict(
    {
        "orders": {"attributes": {"channel": "text", "items": "number"}},
        "feedback": {"attributes": {"stars": "number"}},
        "offers": {"attributes": {"rank": "number"}},
    }
)


def own(value, rows="orders", name="mine", **further) -> Feature:
    return Feature(name, "own", "share", "what is mine", rows, value, **further)


def orders(**columns) -> pd.DataFrame:
    rows = {
        "order_id": ["1", "2", "3", "4"],
        "customer_id": ["a", "a", "b", "a"],
        "ordered_at": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-02-01", "2024-03-20"]),
        "amount": [20.0, 35.0, 10.0, -5.0],
        "channel": ["app", "web", "app", "web"],
        "items": [2.0, 3.0, 1.0, 9.0],
    }
    return pd.DataFrame({**rows, **columns})


def shop(mapping=MAPPING, frame=None, **tables) -> History:
    feedback = pd.DataFrame(
        {
            "customer_id": ["a", "a"],
            "created_at": pd.to_datetime(["2024-01-07", "2024-03-02"]),
            "kind": ["csat", "csat"],
            "score": [5.0, 2.0],
            "stars": [1.0, 4.0],
        }
    )
    offers = pd.DataFrame(
        {
            "customer_id": ["b"],
            "campaign_id": ["c"],
            "offered_at": pd.to_datetime(["2024-02-10"]),
            "offer_id": ["none"],
            "rank": [7.0],
        }
    )
    given = {"feedback": feedback, "offers": offers, **tables}
    return History(orders() if frame is None else frame, **given, mapping=mapping)


ONE_OF_EACH = [
    own((nw.col("channel") == "app").cast(nw.Float64).mean(), name="app_share"),
    own(nw.col("gap").max(), "days", "gap_longest"),
    own(nw.col("items").sum(), "refunds", "items_refunded", empty=0.0),
    own(nw.col("stars").min(), "feedback", "stars_least"),
    own(nw.col("rank").mean(), "offers", "rank_mean"),
    own(nw.col("app_share") * nw.col("orders"), "table", "orders_in_app"),
    own(nw.col("orders_in_app") / 0, "table", "of_nothing"),
]


def test_they_may_be_computed_from_every_kind_of_rows():
    table = feature_table(shop(), AS_OF, 90, ONE_OF_EACH)

    assert list(table)[-7:] == [feature.name for feature in ONE_OF_EACH]
    assert table["app_share"].tolist() == [0.5, 1.0]
    assert table["items_refunded"].tolist() == [9.0, 0.0]
    assert table["stars_least"].to_dict() == pytest.approx({"a": 1.0, "b": np.nan}, nan_ok=True)
    assert table["rank_mean"].to_dict() == pytest.approx({"a": np.nan, "b": 7.0}, nan_ok=True)
    assert table["gap_longest"].to_dict() == pytest.approx({"a": 56.0, "b": np.nan}, nan_ok=True)


def test_one_may_stand_on_those_before_it_and_nothing_is_infinite():
    table = feature_table(shop(), AS_OF, 90, ONE_OF_EACH)

    assert table["orders_in_app"].tolist() == [1.0, 1.0]
    assert table["of_nothing"].isna().all()


def test_they_change_no_other_column():
    plain = feature_table(shop(), AS_OF, 90)

    pd.testing.assert_frame_equal(
        feature_table(shop(), AS_OF, 90, ONE_OF_EACH)[list(plain)], plain, check_exact=True
    )


def test_of_customers_without_a_table_an_attribute_is_known_all_the_same():
    people = pd.DataFrame({"customer_id": ["a"], "acquisition_cost": [3.0]})
    cost = own(nw.col("acquisition_cost").max(), "customers", "cost")
    table = feature_table(shop(customers=people), AS_OF, 90, [cost])

    assert table["cost"].to_dict() == pytest.approx({"a": 3.0, "b": np.nan}, nan_ok=True)
    assert feature_table(shop(), AS_OF, 90, [cost])["cost"].isna().all()


def test_declared_numbers_are_features_by_their_names():
    named = ["orders.items", "feedback.stars", "offers.rank"]
    table = feature_table(shop(), AS_OF, 90, named)

    assert list(table)[-4:] == ["items_mean", "items_last", "stars_mean", "rank_mean"]
    assert table.loc["a", ["items_mean", "items_last", "stars_mean"]].tolist() == [2.5, 3.0, 2.5]


def test_duckdb_computes_the_same():
    with duckdb.connect() as connection:
        frame = connection.from_df(orders())
        found = feature_table(History(frame, mapping=MAPPING), AS_OF, 90, ONE_OF_EACH[:3])
    expected = feature_table(History(orders(), mapping=MAPPING), AS_OF, 90, ONE_OF_EACH[:3])

    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)


def test_spark_computes_the_same(spark):
    rows = [tuple(row) for row in orders().astype({"ordered_at": str}).itertuples(index=False)]
    frame = spark.createDataFrame(rows, list(orders()))
    found = feature_table(History(frame, mapping=MAPPING), AS_OF, 90, ONE_OF_EACH[:3])
    expected = feature_table(History(orders(), mapping=MAPPING), AS_OF, 90, ONE_OF_EACH[:3])

    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)


def test_an_attribute_is_known_with_the_version_of_its_row():
    frame = pd.concat(
        [
            orders(recorded_at=orders()["ordered_at"]),
            orders(recorded_at=pd.Timestamp("2024-03-25"), items=100.0, channel="app"),
        ]
    )
    history = shop(frame=frame)

    before = feature_table(history, "2024-03-25", 90, ["orders.items"])["items_mean"]
    after = feature_table(history, "2024-03-25T00:01", 90, ["orders.items"])["items_mean"]

    assert before.tolist() == [2.5, 1.0]
    assert after.tolist() == [100.0, 100.0]


def test_cells_are_read_as_their_kind_and_what_is_no_number_is_counted():
    from features.intake.canonical import take_in

    frame = orders(items=["2", "3,5", "many", ""]).rename(columns={"channel": "Channel"})
    rows = take_in({"orders": frame}, MAPPING)["orders"].rows.collect("polars").to_native()
    found = rows.sort("order_id").select("order_id", "items", "channel", "problem", "unread")

    assert found["items"].to_list() == [2.0, 3.5, None, None]
    assert found["unread"].to_list() == [None, None, "unparsable items", None]
    assert found["problem"].null_count() == 4
    assert found["channel"].to_list() == ["app", "web", "app", "web"]


@pytest.mark.parametrize("cells", [[2.0, np.inf, 1.0, 9.0], [2.0, 4.0e12, 1.0, 9.0]])
def test_no_number_of_an_attribute_takes_its_order_away(cells):
    plain = feature_table(shop(frame=orders()), AS_OF, 90)["orders"]
    found = feature_table(shop(frame=orders(items=cells)), AS_OF, 90, ["orders.items"])

    pd.testing.assert_series_equal(found["orders"], plain)
    assert found["items_mean"].notna().all()


def test_refunds_of_a_table_and_beside_the_amount_are_rows_like_the_others():
    frame = orders(refund_amount=[1.0, None, None, None])
    told = pd.DataFrame({"order_id": ["3"], "amount": [2.0], "refunded_at": ["2024-02-03"]})
    history = History(frame, refunds=told, mapping=MAPPING)
    rows = history.orders.collect("polars").to_native().filter(pl.col("amount") < 0)

    assert rows.sort("order_id")["items"].to_list() == [2.0, None, 9.0]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"orders": {"attributes": {"age": "number"}}}, "'age'] mean something already"),
        ({"orders": {"attributes": {"ordered_at": "text"}}}, "'ordered_at'] mean something"),
        ({"orders": {"attributes": {"known_day": "text"}}}, "'known_day'] mean something"),
        ({"feedback": {"attributes": {"satisfaction": "number"}}}, "'satisfaction'] mean"),
        ({"orders": {"attributes": {"weight": "number"}}}, "must have the columns ['weight']"),
        ({"orders": {"attributes": {"items": "date"}}}, "must be 'number' or 'text'; got 'date'"),
        ({"customers": {"attributes": {"items": "text"}}}, "customers.attributes is not known"),
        ({"refunds": {"attributes": {"items": "text"}}}, "refunds.attributes is not known"),
        (
            {"orders": {"lines": {"quantity": "items", "price": "amount"},
                        "attributes": {"channel": "text"}}},
            "must not stand beside lines",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_declared_is_refused(declared, said):
    with pytest.raises(ValueError) as refused:
        shop(mapping=Mapping.from_dict(declared))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        (own(nw.col("nope").mean()), "mine cannot be computed from the rows orders: "),
        (own(nw.col("amount")), "It must give one number for each customer"),
        (own(nw.col("channel").max()), "It must give one number for each customer"),
        (own(nw.col("nope") + 1, "table"), "mine cannot be computed from the rows table: "),
        (own(nw.col("amount").mean(), name="aov"), "'aov' is the name of another column"),
        (own(nw.col("orders") * 7, "table", "customer_id"), "not be customer_id"),
        (own(pl.col("amount").mean()), "must be an expression of narwhals; got Expr"),
        ("nonsense", "nonsense must be module:name, or table.column of orders, feedback, offers"),
        ("refunds.items", "refunds.items must be module:name, or table.column of orders"),
        ("orders.weight", 'Add weight = "number" there'),
        ("orders.channel", "is declared as text"),
        ("customers.age", "is a feature already, profile_age"),
    ],
)
def test_what_is_no_feature_says_why(feature, said):
    with pytest.raises(ExtensionError) as refused:
        feature_table(shop(), AS_OF, 90, [feature])
    assert said in str(refused.value)


def test_of_several_the_one_at_fault_is_named():
    good, bad = own(nw.col("amount").mean(), name="good"), own(nw.col("nope").mean(), name="bad")

    with pytest.raises(ExtensionError, match="bad cannot be computed"):
        feature_table(shop(), AS_OF, 90, [good, bad, own(nw.col("age").min(), name="fine")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("X = 3", "must be a Feature, or a list of them; got int"),
        ("X = [3]", "must be a Feature, or a list of them; got int"),
        ("X = Feature('x', 'own', '', '', 'clicks', nw.col('age').min())", "got 'clicks'"),
        ("X = Feature('x', 'own', '', '', 'orders', 3)", "must be an expression of narwhals"),
        ("X = Feature('', 'own', '', '', 'orders', nw.col('age').min())", "must not be blank"),
        ("X = Feature('profile_x', 'own', '', '', 'orders', nw.col('age').min())", "profile_"),
    ],
)
def test_what_a_module_holds_is_looked_at_before_it_is_used(tmp_path, monkeypatch, text, said):
    monkeypatch.syspath_prepend(str(tmp_path))
    module = f"named_{abs(hash(text))}"
    head = "import narwhals as nw\nfrom features import Feature\n"
    (tmp_path / f"{module}.py").write_text(head + text)

    with pytest.raises(ExtensionError) as refused:
        own_features(digests_of([f"{module}:X"]), {})
    assert said in str(refused.value)


def test_a_name_may_be_given_twice_and_two_features_may_not_share_one():
    table = feature_table(shop(), AS_OF, 90, ["orders.items", "orders.items"])
    mine = own(nw.col("amount").mean())

    assert list(table)[-2:] == ["items_mean", "items_last"]
    with pytest.raises(ExtensionError, match="'mine' is the name of another column"):
        feature_table(shop(), AS_OF, 90, [mine, own(nw.col("amount").max())])
    assert list(feature_table(shop(), AS_OF, 90, mine))[-1] == "mine"
    assert list(feature_table(shop(), AS_OF, 90, "orders.items"))[-1] == "items_last"


def test_a_list_of_them_has_one_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "a_list_of_them.py").write_text(
        "import narwhals as nw\nfrom features import Feature\n"
        "ALL = [Feature(n, 'own', '', '', 'orders', nw.col('age').min()) for n in ('x', 'y')]\n"
    )
    table = feature_table(shop(), AS_OF, 90, ["a_list_of_them:ALL"])

    assert list(table)[-2:] == ["x", "y"]
