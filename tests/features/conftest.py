"""A small shop where everything that can be awkward happens, different for every seed."""

import random
from datetime import datetime, timedelta

import pandas as pd
import pytest

from features.intake.mapping import Mapping

AS_OF = datetime(2024, 3, 1)
CUSTOMERS = [f"c{i:02}" for i in range(14)]
SCORES = {"nps": range(11), "csat": range(1, 6), "review": range(1, 6), "ticket": range(1, 6)}
COLUMNS = {
    "orders": "order_id customer_id ordered_at amount discount_amount recorded_at",
    "feedback": "feedback_id customer_id kind created_at score recorded_at due_at resolved_at",
    "offers": "customer_id campaign_id offered_at offer_id cost redeemed_at refused_at",
    "customers": "customer_id size channel recorded_at",
}


class MessyShop:
    """Rows as a source would hold them, some of them known only at or after `AS_OF`."""

    def __init__(self, seed, versioned=False):
        self.random = random.Random(seed)
        self.versioned = versioned
        self.rows = {
            "orders": self._orders(),
            "feedback": self._feedback(),
            "offers": self._offers(),
            "customers": self._customers(),
        }

    @property
    def mapping(self):
        categories = {"channel": ("web", "shop", "app")}
        if self.versioned:
            return Mapping(categories=categories)
        return Mapping(static=("channel", "size"), categories=categories)

    @property
    def frames(self):
        """Table -> pandas frame with every column, times as datetimes."""
        return {table: self.frame(table, rows) for table, rows in self.rows.items()}

    def frame(self, table, rows):
        frame = pd.DataFrame(rows, columns=COLUMNS[table].split())
        for column in frame.columns[frame.columns.str.endswith("_at")]:
            frame[column] = pd.to_datetime(frame[column]).astype("datetime64[us]")
        numbers = frame.columns.intersection(["amount", "discount_amount", "score", "cost", "size"])
        frame[numbers] = frame[numbers].astype("float64")
        if table == "customers" and not self.versioned:
            return frame.drop(columns="recorded_at")
        return frame

    def time(self):
        """Mostly the last three years, some within hours of as_of or at the edge of a window."""
        draw = self.random.random()
        if draw < 0.1:
            return AS_OF - timedelta(days=self.random.choice([7, 30, 90, 180, 365, 730, 1095]))
        if draw < 0.2:
            return AS_OF + timedelta(minutes=self.random.choice([-1, 0, 1]))
        return AS_OF - timedelta(minutes=self.random.randint(-100_000, 1_700_000))

    def after(self, time):
        return time + timedelta(minutes=self.random.choice([0, 5, 2_000, 200_000]))

    def maybe(self, value, chance=0.5):
        return value if self.random.random() < chance else None

    def _orders(self):
        rows = []
        for customer in CUSTOMERS:
            for _ in range(self.random.choice([0, 1, 1, 2, 3, 5, 12])):
                rows += self._order(customer, f"o{len(rows)}", self.time())
        lost = {"order_id": "r0", "customer_id": "refunded", "ordered_at": self.time()}
        return [*rows, {**lost, "amount": -5.0}]

    def _order(self, customer, order_id, at):
        amount = round(self.random.lognormvariate(3, 1), 2)
        order = {
            "order_id": order_id,
            "customer_id": customer,
            "ordered_at": at,
            "amount": self.random.choice([amount, amount, amount, 0.0, 20.0]),
            "discount_amount": self.maybe(self.random.choice([0.0, 1.5, 4.0])),
            "recorded_at": self.maybe(self.after(at), 0.3),
        }
        rows = [order]
        if self.random.random() < 0.2:
            rows.append({**order, "order_id": f"{order_id}-again", "recorded_at": None})
        if self.random.random() < 0.2:
            rows.append({**order, "amount": -round(amount / 2, 2), "ordered_at": self.after(at)})
        if self.random.random() < 0.2 and order["amount"] > 0:
            seen = max(at, order["recorded_at"] or at)
            corrected = {"amount": amount + 1.0, "recorded_at": seen + timedelta(minutes=3_000)}
            rows.append({**order, **corrected})
        return rows

    def _feedback(self):
        rows = []
        for _ in range(60):
            kind, at = self.random.choice(list(SCORES)), self.time()
            row = {
                "feedback_id": f"f{len(rows)}",
                "customer_id": self.random.choice(CUSTOMERS[:9]),
                "kind": kind,
                "created_at": at,
                "score": self.maybe(float(self.random.choice(SCORES[kind])), 0.8),
                "recorded_at": self.maybe(self.after(at), 0.3),
                "due_at": self.maybe(self.after(at)) if kind == "ticket" else None,
                "resolved_at": self.maybe(self.after(at)) if kind == "ticket" else None,
            }
            rows.append(row)
            if self.random.random() < 0.3:
                again = {"feedback_id": f"f{len(rows)}", "score": float(self.random.randint(1, 5))}
                rows.append({**row, **again})
            if self.random.random() < 0.2:
                seen = max(at, row["recorded_at"] or at) + timedelta(minutes=3_000)
                rows.append({**row, "score": 1.0, "recorded_at": seen})
        return rows

    def _offers(self):
        return [
            {
                "customer_id": self.random.choice(CUSTOMERS[4:]),
                "campaign_id": f"campaign{i}",
                "offered_at": (at := self.time()),
                "offer_id": self.random.choice(["none", "discount", "points"]),
                "cost": self.maybe(2.5),
                "redeemed_at": self.maybe(self.after(at)),
                "refused_at": self.maybe(self.after(at), 0.3),
            }
            for i in range(40)
        ]

    def _customers(self):
        rows = []
        for customer in [*CUSTOMERS[3:], "never bought"]:
            for version in range(self.random.choice([1, 2]) if self.versioned else 1):
                recorded_at = self.time() + timedelta(minutes=version * 50_000)
                rows.append(
                    {
                        "customer_id": customer,
                        "size": self.maybe(float(self.random.randint(1, 50)), 0.8),
                        "channel": self.maybe(self.random.choice(["app", "shop", "web", "fax"])),
                        "recorded_at": recorded_at if self.versioned else None,
                    }
                )
        return rows


@pytest.fixture(scope="session")
def messy_shop():
    """The class itself: `messy_shop(seed)`, or with `versioned=True` customers with versions."""
    return MessyShop


@pytest.fixture(scope="session")
def as_of():
    return AS_OF
