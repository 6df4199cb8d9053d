"""Jobs that are done: each in a process of its own, watched until it ends."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading

from serving.clock import utc_now
from serving.errors import StoreUnavailableError
from serving.jobs import repository
from serving.store.database import Database

log = logging.getLogger(__name__)
# In seconds: how often it is looked whether a job is still wanted.
LOOK = 0.5
# In seconds: how long a process has to stop.
PATIENCE = 10.0


class JobRunner:
    """Does one job at a time.

    Parameters
    ----------
    database : Database
    environment : dict
        Variables of the process: where the store and the tracking store are.
    """

    def __init__(self, database: Database, environment: dict[str, str]) -> None:
        self._database = database
        self._environment = environment

    def keep_on(self, stopped: threading.Event) -> None:
        """Do jobs until told to stop; one that is not done then is left to others."""
        while not stopped.is_set():
            try:
                found = self.once(stopped)
            except Exception:  # Whatever it is, the lease of the job ends, and it is begun again.
                log.exception("a job could not be done")
                found = False
            if not found:
                stopped.wait(LOOK)

    def once(self, stopped: threading.Event) -> bool:
        """Do a job, if one waits; whether one did."""
        try:
            with self._database.writing(alone="jobs") as connection:
                job = repository.claim(connection, utc_now())
        except StoreUnavailableError as error:
            log.info("no job is begun for now: %s", error)
            return False
        if job is None:
            return False
        facts = {"job": job["id"], "kind": job["kind"], "attempt": job["attempts"]}
        log.info("job begins", extra=facts)
        self._run(job["id"], job["attempts"], stopped)
        log.info("job is over", extra=facts)
        return True

    def _run(self, job_id: int, attempt: int, stopped: threading.Event) -> None:
        command = [sys.executable, "-m", "serving.work"]
        process = subprocess.Popen(
            [*command, *map(str, (job_id, attempt, os.getpid()))],
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
        )
        try:
            while process.poll() is None and not stopped.is_set():
                if not self._is_wanted(job_id, attempt):
                    break
                stopped.wait(LOOK)
        finally:
            is_over = process.poll() is not None
            _stop(process)
            self._told(job_id, attempt, is_over, process.returncode, stopped.is_set())

    def _is_wanted(self, job_id: int, attempt: int) -> bool:
        try:
            with self._database.writing() as connection:
                return repository.renew(connection, job_id, attempt, utc_now())
        except StoreUnavailableError:
            return True  # The lease ends by itself, if this lasts.

    def _told(self, job_id: int, attempt: int, is_over: bool, code: int, is_stopping: bool) -> None:
        """Write down how a job ended that did not do so itself."""
        with self._database.writing() as connection:
            job = repository.find(connection, job_id)
            if job is None or job["state"] != "running" or job["attempts"] != attempt:
                return
            if job["cancelled_at"] is not None:
                repository.end(connection, job_id, attempt, "cancelled", utc_now())
            elif is_stopping and not is_over:
                repository.put_back(connection, job_id, attempt)
            else:
                told = f"its process ended with code {code}, before it was done"
                repository.end(connection, job_id, attempt, "failed", utc_now(), error=told)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
