import pandas as pd
import pytest

from benchmarks.cells import CELLS, Cell, population, purchase_days, truth
from features.history.history import History
from features.table import feature_table


def history(rows):
    columns = ["customer_id", "ordered_at", "amount"]
    orders = pd.DataFrame(rows, columns=columns)
    return History(orders.assign(order_id=[str(n) for n in range(len(orders))]))


def shop(folder, rows):
    """A folder that looks like that of CDNOW."""
    (folder / "cdnow").mkdir()
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    orders.insert(0, "order_id", [str(n) for n in range(len(orders))])
    orders.to_csv(folder / "cdnow" / "orders.csv", index=False)
    return folder


def test_every_cell_of_the_protocol_is_there_once():
    assert len({cell.name for cell in CELLS}) == len(CELLS) == 21
    assert {cell.row for cell in CELLS} == {
        *("cdnow 90", "cdnow 180", "orii 90", "orii 180", "orii 365", "olist 90", "olist 180")
    }


def test_a_cell_of_an_unknown_log_is_refused():
    with pytest.raises(ValueError, match=r"^log must be one of cdnow, orii, olist; got 'shop'"):
        Cell("shop", 90, "2020-01-01")


def test_orders_of_a_day_are_one_purchase():
    days = purchase_days(history([("a", "1970-01-03 09:00", 5.0), ("a", "1970-01-03 23:59", 7.0)]))
    assert days.to_numpy().tolist() == [["a", 2, 12.0]]


def test_a_cancellation_of_the_same_day_is_netted_but_leaves_a_twentieth():
    rows = [("a", "1970-01-02", 100.0), ("a", "1970-01-02", -30.0)]
    rows += [("b", "1970-01-02", 100.0), ("b", "1970-01-02", -100.0)]
    assert purchase_days(history(rows))["amount"].tolist() == [70.0, 5.0]


def test_a_refund_of_another_day_is_neither_a_purchase_nor_netted():
    days = purchase_days(history([("a", "1970-01-02", 100.0), ("a", "1970-01-05", -100.0)]))
    assert days.to_numpy().tolist() == [["a", 1, 100.0]]


def test_truth_is_what_the_population_did_in_the_window(tmp_path):
    rows = [
        ("back", "1997-09-01", 10.0),
        ("back", "1998-01-01", 20.0),
        ("back", "1998-02-01", -5.0),
        ("gone", "1997-12-31", 10.0),
        ("late", "1997-11-01", 10.0),
        ("late", "1998-04-01", 10.0),
        ("new", "1998-01-05", 10.0),
    ]
    cell, data = Cell("cdnow", 90, "1998-01-01"), shop(tmp_path, rows)
    assert truth(cell, data).to_dict("index") == {
        "back": {"churned": 0.0, "spend": 15.0},
        "gone": {"churned": 1.0, "spend": 0.0},
        "late": {"churned": 1.0, "spend": 0.0},
    }


def test_an_order_of_the_instant_itself_is_not_in_the_past(tmp_path):
    data = shop(tmp_path, [("a", "1997-12-31", 10.0), ("b", "1998-01-01", 10.0)])
    assert population(Cell("cdnow", 90, "1998-01-01"), data).to_list() == ["a"]


@pytest.mark.parametrize("cell", CELLS[::7], ids=lambda cell: cell.name)
def test_the_population_is_that_of_the_feature_table(cell, data_dir):
    table = feature_table(cell.past(data_dir), cell.as_of, cell.horizon_days)
    assert sorted(table.index) == population(cell, data_dir).to_list()
