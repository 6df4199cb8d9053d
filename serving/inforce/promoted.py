"""Models that came in force, and others who are told of it."""

from __future__ import annotations

import logging

from serving.clock import utc_now
from serving.errors import StoreUnavailableError
from serving.inforce.champions import Champions
from serving.inforce.reloading import NotLoadedError, Watched
from serving.inforce.schemas import Versions
from serving.store.database import Database
from serving.store.outbox import tell_release

log = logging.getLogger(__name__)


class Promoted:
    """Looks for other models, and tells of them once they are loaded.

    Parameters
    ----------
    champions : Watched
    database : Database
    """

    def __init__(self, champions: Watched[Champions], database: Database) -> None:
        self._champions = champions
        self._database = database
        self._told: Versions | None = None

    def look(self) -> None:
        """Load what has changed; it blocks, so call it in a thread."""
        self._champions.look()
        try:
            versions = self._champions.current().versions
            if versions != self._told:
                with self._database.writing() as connection:
                    tell_release(connection, versions, utc_now())
                self._told = versions
        except NotLoadedError:
            pass  # The champions say so themselves.
        except StoreUnavailableError as error:
            log.warning("%s", error)
        except Exception:  # Whatever it is, the models are loaded, and it is told at the next look.
            log.exception("models that came in force could not be told of")
