"""Histories in SQLite and PostgreSQL, and what their errors must not tell."""

import sqlite3
import uuid
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from features.clock import as_day
from features.errors import HistoryError
from features.history.history import History
from features.intake.mapping import Mapping, TableMapping

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/test"


@pytest.fixture
def sqlite(tmp_path):
    """A function that runs SQL in a database and returns the database's URL."""
    path = tmp_path / "shop.db"

    def run(*statements):
        connection = sqlite3.connect(path)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()
        return f"sqlite:///{path}"

    return run


ORDERS = "CREATE TABLE orders (order_id, customer_id, ordered_at, amount)"


def test_a_sqlite_database_is_a_history(sqlite):
    url = sqlite(
        ORDERS,
        "INSERT INTO orders VALUES ('00001', '007', '2024-01-05 12:00:00', 12.5)",
        "CREATE TABLE feedback (customer_id TEXT, created_at TEXT, kind TEXT, score INTEGER)",
        "INSERT INTO feedback VALUES ('007', '2024-01-06', 'nps', 9)",
    )
    history = History.open(url)
    row = history.orders.collect().to_native()
    assert row.select("order_id", "customer_id", "day", "amount").row(0) == (
        "00001",
        "007",
        19727.5,
        12.5,
    )
    assert history.feedback.collect()["satisfaction"].to_list() == [0.8]


def test_sqlites_loose_types_are_read_cell_by_cell(sqlite):
    url = sqlite(
        ORDERS,
        "INSERT INTO orders VALUES (1, 7, '2024-01-05', 12), ('C2', 7.0, '2024-01-05', 12.5), "
        "(3, 'x', '2024-01-05', '-3.25'), (4, NULL, '2024-01-05', 1)",
    )
    orders = History.open(url).orders.collect().to_native().sort("order_id")
    assert orders.select("order_id", "customer_id", "amount").rows() == [
        ("1", "7", 12.0),
        ("3", "x", -3.25),
        ("C2", "7", 12.5),
    ]


def test_views_and_other_table_names_can_be_mapped(sqlite):
    url = sqlite(
        "CREATE TABLE sales (id, client, day, total)",
        "INSERT INTO sales VALUES (1, 2, '2024-01-05', 3)",
        "CREATE VIEW big_sales AS SELECT * FROM sales WHERE total > 1",
    )
    columns = {"order_id": "id", "customer_id": "client", "ordered_at": "day", "amount": "total"}
    mapping = Mapping(tables={"orders": TableMapping(table="big_sales", columns=columns)})
    assert History.open(url, mapping).orders.collect()["day"].to_list() == [19727.0]


def test_a_database_without_orders_says_what_it_has(sqlite):
    with pytest.raises(HistoryError, match=r"no table 'orders'; it has \['sales'\]"):
        History.open(sqlite("CREATE TABLE sales (id)"))


def test_a_mapped_table_that_is_not_there_is_refused(sqlite):
    mapping = Mapping(tables={"feedback": TableMapping(table="reviews")})
    with pytest.raises(HistoryError, match="no table 'reviews'"):
        History.open(sqlite(ORDERS), mapping)


def test_an_empty_table_of_orders_is_refused(sqlite):
    with pytest.raises(HistoryError, match="orders has no rows"):
        History.open(sqlite(ORDERS))


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(HistoryError, match=r"shop\.db does not exist"):
        History.open(f"sqlite:///{tmp_path / 'shop.db'}")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "shop.db").write_text("order_id,customer_id\n" * 100)
    with pytest.raises(HistoryError, match=r"the database cannot be read: .*not a database"):
        History.open(f"sqlite:///{tmp_path / 'shop.db'}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:s3cret@127.0.0.1:1/shop",
        "postgresql://127.0.0.1:1/shop?user=shop&password=s3cret",
        "postgresql://shop:s3cret@127.0.0.1:not-a-port/shop",
        "postgresql://shop:s3cret/x@y@127.0.0.1/shop",
        "postgresql:/shop:s3cret@127.0.0.1/shop",
        "nosuchdb://shop:s3cret@127.0.0.1/shop",
        "postgresql://shop:s3cret@127.0.0.1:1/shop?nosuchoption=s3cret",
        "postgresql://s3cret:s3cret@127.0.0.1:5432/test",
    ],
)
def test_no_error_shows_a_password(url):
    with pytest.raises(HistoryError) as caught:
        History.open(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.fixture(scope="module")
def server():
    engine = sa.create_engine(SERVER, connect_args={"connect_timeout": 2})
    try:
        engine.connect().close()
    except sa.exc.OperationalError:
        pytest.skip("no PostgreSQL server at 127.0.0.1:5432 with a database `test`")
    yield engine
    engine.dispose()


@pytest.fixture
def schema(server):
    """A schema of its own, gone after the test; and a function that runs SQL in it."""
    name = f"holdfast_{uuid.uuid4().hex[:12]}"

    def run(*statements):
        with server.begin() as connection:
            connection.execute(sa.text(f"SET LOCAL search_path TO {name}"))
            for statement in statements:
                connection.execute(sa.text(statement))

    with server.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))
    yield name, run
    with server.begin() as connection:
        connection.execute(sa.text(f"DROP SCHEMA {name} CASCADE"))


def opened(name, **tables):
    mapping = Mapping(
        timezone="Europe/Paris",
        tables={"orders": TableMapping(table=f"{name}.orders"), **tables},
    )
    return History.open(SERVER.replace("+psycopg", ""), mapping)


def test_postgresql_types_become_the_historys(schema):
    name, run = schema
    run(
        "CREATE TABLE orders (order_id uuid, customer_id numeric(10,2), ordered_at timestamptz, "
        "amount numeric(12,2), discount_amount real, recorded_at date, note jsonb, "
        "currency char(5))",
        "INSERT INTO orders VALUES ('00000000-0000-0000-0000-000000000001', 42, "
        "'2024-01-05 23:30:00+00', 12.50, 1.5, '2024-01-10', '{\"a\": 1}', 'EUR')",
    )
    row = opened(name).orders.collect().to_native().row(0, named=True)
    assert row["order_id"] == str(uuid.UUID(int=1))
    assert (row["customer_id"], row["currency"]) == ("42", "EUR")
    assert (row["amount"], row["discount_amount"]) == (12.5, 1.5)
    assert row["day"] == as_day(datetime(2024, 1, 5, 23, 30, tzinfo=UTC), "Europe/Paris")
    assert row["known_day"] == as_day("2024-01-10")


def test_postgresql_text_ids_are_not_padded(schema):
    name, run = schema
    run(
        "CREATE TABLE orders (order_id integer, customer_id char(8), ordered_at timestamp, "
        "amount double precision)",
        "INSERT INTO orders VALUES (1, '00001', '2024-01-05', 1), "
        "(2, '00001', '2024-01-06', 'NaN')",
    )
    orders = opened(name).orders.collect().to_native()
    assert orders.select("order_id", "customer_id").rows() == [("1", "00001")]


def test_postgresql_infinite_times_are_refused_with_the_reason(schema):
    name, run = schema
    run(
        "CREATE TABLE orders (order_id int, customer_id int, ordered_at timestamp, amount int)",
        "INSERT INTO orders VALUES (1, 1, 'infinity', 1)",
    )
    with pytest.raises(HistoryError, match=r"the database cannot be read: .*timestamp too large"):
        opened(name)


def test_a_postgresql_schema_without_the_table_says_so(schema):
    name, _ = schema
    with pytest.raises(HistoryError, match=rf"no table '{name}.orders'; it has \[\]"):
        opened(name)


def test_a_postgresql_database_that_is_not_there_is_refused(server):
    with pytest.raises(HistoryError, match='database "nowhere" does not exist'):
        History.open("postgresql://postgres@127.0.0.1:5432/nowhere")
