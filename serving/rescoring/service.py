"""Score customers again of whom something came in, and exchange their rows in force."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from features.clock import as_day
from features.history.history import History
from features.intake.store.reading import StoredSettings, stored_settings, stored_tables
from serving.clock import ShopClock, utc_now
from serving.errors import StoreUnavailableError
from serving.inforce.champions import Champions
from serving.inforce.reloading import NotLoadedError
from serving.publications.files import publishable
from serving.publications.repository import Publication, current
from serving.rescoring import repository
from serving.store.database import Connection, Database
from serving.store.history import ALONE, last_known_at
from serving.store.outbox import Crossing, tell_crossings
from serving.store.waiting import claim, end_waiting, release, still_waiting
from training.scoring.columns import LAPSED

log = logging.getLogger(__name__)
# Customers that are scored at once.
MOST = 200
STEP = timedelta(microseconds=1)


class Rescoring:
    """Scores those who wait, some at a time; any number of processes may.

    Parameters
    ----------
    database : Database
    champions : callable
        The models in force; raises NotLoadedError while there are none.
    clock : ShopClock
        Its time is the `as_of` of the scores.
    """

    def __init__(
        self, database: Database, champions: Callable[[], Champions], clock: ShopClock
    ) -> None:
        self._database = database
        self._champions = champions
        self._clock = clock
        # It is asked twice a second; why nobody is scored is told when it changes.
        self._told: str | None = None

    def once(self) -> int:
        """Score some of those who wait; how many they were."""
        try:
            self._database.forget_again()
            scored = self._some()
            self._told = None
            return scored
        except (StoreUnavailableError, NotLoadedError) as error:
            if self._told != str(error):
                log.info("nobody is scored again for now: %s", error)
            self._told = str(error)
        except Exception:  # Whatever it is, those who wait are taken again when their lease ends.
            log.exception("customers could not be scored again")
        return 0

    def _some(self) -> int:
        champions = self._champions()
        with self._database.reading() as connection:
            publication = current(connection)
            settings = stored_settings(connection)
        if (
            publication is None
            or settings is None
            or not publication.terms.mean_the_same_as(champions.terms)
        ):
            return 0
        with self._database.writing(alone=ALONE) as connection:
            claimed = claim(connection, MOST, utc_now())
        if not claimed:
            return 0
        rows = self._scored(champions, settings, sorted(claimed))
        # A publication that came in force meanwhile would compare with rows that are exchanged.
        with self._database.writing(alone=ALONE) as connection:
            self._exchange(connection, publication, claimed, rows)
        return len(claimed)

    def _scored(
        self, champions: Champions, settings: StoredSettings, customer_ids: Sequence[str]
    ) -> list[dict[str, Any]]:
        with self._database.reading() as connection:
            intakes = stored_tables(connection, settings, customer_ids)
            known = last_known_at(connection)
        mapping = settings.mapping
        # After all that came in, so that it counts.
        as_of = max(self._clock.now(mapping.timezone), known + STEP)
        past = History.from_intakes(intakes, mapping).upto(as_day(as_of, mapping.timezone))
        if past.purchases.select("customer_id").collect().is_empty():
            return []
        found = pl.from_pandas(champions.scorer.score_inline(past))
        own = found.filter(pl.col("customer_id").is_in(customer_ids))
        if own.is_empty():
            return []
        scores = publishable(own, "the customers scored again")
        return scores.with_columns(lapsed=pl.col("stage") == LAPSED).to_dicts()

    def _exchange(
        self,
        connection: Connection,
        publication: Publication,
        claimed: Mapping[str, datetime],
        rows: Sequence[Mapping[str, Any]],
    ) -> None:
        now = utc_now()
        in_force = current(connection)
        if in_force is None or in_force.id != publication.id:
            release(connection, claimed)
            return
        # Those of whom nobody waits any longer were erased meanwhile.
        wanted = still_waiting(connection, claimed)
        own = {"as_of_source": "events", "stale": False, "updated_at": now}
        scored = [{**row, **own} for row in rows if row["customer_id"] in wanted]
        before = repository.risks(connection, publication.id, wanted)
        repository.exchange(connection, publication.id, wanted, scored)
        moved = [
            Crossing(
                row["customer_id"], before[row["customer_id"]], row["churn_risk"], row["as_of"]
            )
            for row in scored
            if row["customer_id"] in before
        ]
        tell_crossings(connection, lambda _: moved, now)
        end_waiting(connection, claimed, now)
