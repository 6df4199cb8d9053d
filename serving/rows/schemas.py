"""Rows of the history's tables as they are sent: without their customer, in the history's words."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, create_model

from features.schema import SCHEMAS, Column
from serving.http.cells import STORABLE, Attributes, Id, Instant, Number, Text, storable


class RequestModel(BaseModel):
    """What is received has no other fields than the documented ones, and no other types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def row(name: str, table: str, about: str, leave_out: Collection[str] = ()) -> Any:
    """A row of a table of the history, as it is sent with its customer."""
    columns = (c for c in SCHEMAS[table] if c.source not in {"customer_id", *leave_out})
    fields: dict[str, Any] = {column.source: _field(table, column) for column in columns}
    fields["attributes"] = (Attributes, Field(default_factory=dict, description=FURTHER))
    return create_model(name, __base__=RequestModel, __doc__=about, **fields)


def _field(table: str, column: Column) -> tuple[Any, Any]:
    about = REMARKS.get((table, column.source), column.meaning)
    kind = TYPES.get((table, column.source), TYPES[column.kind])
    if column.required:
        own = TypeAdapter(kind).json_schema().get("description", "")
        return kind, Field(description=f"{about.rstrip('.')}. {own}".strip())
    return kind | None, Field(default=None, description=about)


FURTHER = "Further columns of the row that features of the shop's own use; see GET /readyz."
TYPES: dict[Any, Any] = {
    "id": Id,
    "text": Text,
    "number": Number,
    "date": Instant,
    # Not used by the models, and not stripped: a text may be empty.
    ("feedback", "text"): Annotated[
        str,
        Field(max_length=10_000, json_schema_extra={"pattern": STORABLE}),
        AfterValidator(storable),
    ],
}
# What only a request has to be told.
REMARKS = {
    ("orders", "amount"): "In the models' currency; negative for a refund.",
    ("feedback", "kind"): "nps, csat, review, ticket, or another of the shop's; see GET /readyz.",
    ("feedback", "text"): "Not used by the models.",
    ("feedback", "resolved_at"): (
        "Null while the ticket is open. Give it with every ticket or with none."
    ),
}
if TYPE_CHECKING:
    Order = RequestModel
    Feedback = RequestModel
    Offer = RequestModel
else:
    # The amounts of a request are in one currency, which is named once.
    Order = row("Order", "orders", "An order, or a refund if its amount is negative.", ["currency"])
    Feedback = row("Feedback", "feedback", "An answer to a survey, a review or a ticket.")
    Offer = row("Offer", "offers", "An offer made; `offer_id` is `none` for a control.")
