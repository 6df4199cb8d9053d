"""What Prometheus collects: how many requests, how long they took, and what callers add."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

# Callers may make up others; each would be a series of its own.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# In seconds; from what a lookup takes to the largest request.
STEPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
# Name, meaning, value.
Gauge = tuple[str, str, float]


class Metrics:
    """Counts of this process; where it is one of several, told with those of the others.

    Parameters
    ----------
    are_together : bool
        Whether it is one of several, which count in files.
    """

    def __init__(self, are_together: bool = False) -> None:
        self._registry = CollectorRegistry()
        self._told = self._registry
        if are_together:
            self._told = CollectorRegistry()
            MultiProcessCollector(self._told)  # type: ignore[no-untyped-call]
        names = ("method", "route", "status")
        self._requests = Counter(
            "holdfast_requests", "Requests that were answered.", names, registry=self._registry
        )
        self._seconds = Histogram(
            "holdfast_request_seconds",
            "How long answers took, in seconds.",
            ("route",),
            buckets=STEPS,
            registry=self._registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request, by the template of its route."""
        known = method if method in METHODS else "other"
        self._requests.labels(known, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def add(self, gauges: Callable[[], Iterable[Gauge]]) -> None:
        """Ask for further figures whenever somebody collects."""
        self._told.register(_Gauges(gauges))

    def written(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return generate_latest(self._told)


class _Gauges(Collector):
    def __init__(self, gauges: Callable[[], Iterable[Gauge]]) -> None:
        self._gauges = gauges

    def describe(self) -> Iterable[Any]:
        """Nothing: what there is shows when it is collected."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The figures as they are."""
        for name, meaning, value in self._gauges():
            yield GaugeMetricFamily(name, meaning, value=value)
