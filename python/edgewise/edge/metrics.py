"""Prometheus metrics of the whole node: the counters of all its workers added up, whichever worker answers."""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from edgewise._core import sum_counters
from edgewise.edge.health import Status, status, tallies_of_models
from edgewise.edge.modelmetrics import model_metrics
from edgewise.edge.rundir import Account, counter_files
from edgewise.edge.worker import Worker

DEGRADABLE: Final = (
    "agent",
    "bundle",
    "clock",
    "models",
    "stale",
    "state",
    "status",
    "store",
    "tokens",
    "workers",
)


class NodeCollector(Collector):
    """Reads the node's counters and gauges anew for every scrape."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def collect(self) -> Iterator[Metric]:
        """Give every family of the node."""
        now = status(self._worker)
        yield from _counted(self._worker)
        yield from model_metrics(now.models, tallies_of_models(self._worker))
        yield from _gauges(now)


def exposition(worker: Worker) -> tuple[bytes, str]:
    """Render the metrics, with the content type they have."""
    registry = CollectorRegistry()
    registry.register(NodeCollector(worker))
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _counted(worker: Worker) -> Iterator[Metric]:
    for name, description, _, samples in sum_counters(counter_files(worker.settings.folder / "run")):
        labels = list(samples[0][0])
        counter = CounterMetricFamily(name.removesuffix("_total"), description, labels=labels)
        histogram = HistogramMetricFamily(name, description, labels=labels)
        for values, total in samples:
            if isinstance(total, int):
                counter.add_metric(list(values.values()), total)
            else:
                buckets, sum_s = total
                histogram.add_metric(list(values.values()), buckets, sum_s)
        yield histogram if histogram.samples else counter


def _gauges(now: Status) -> Iterator[Metric]:
    yield _gauge("edgewise_ready", "Whether every worker has loaded and tested a bundle.", now.ready)
    yield _gauge("edgewise_workers", "Workers that live.", len(now.workers))
    yield _gauge("edgewise_bundle_generation", "Generation of the bundle that is served.", now.generation or 0)
    yield _gauge("edgewise_bundle_age_seconds", "Time since what is served was confirmed.", now.age_seconds or 0)
    info = GaugeMetricFamily("edgewise_bundle_info", "Which bundle is served.", labels=["digest", "source", "engine"])
    if now.digest is not None:
        info.add_metric([now.digest, now.source or "", now.engine], 1)
    yield info
    yield from _admission(now.workers)
    degraded = GaugeMetricFamily("edgewise_degraded", "Parts that do not work while decisions go on.", labels=["part"])
    for part in DEGRADABLE:
        degraded.add_metric([part], part in now.degraded)
    yield degraded


def _admission(workers: Sequence[Account]) -> Iterator[Metric]:
    level = GaugeMetricFamily(
        "edgewise_admission_level", "Share of the budget of time that was left at worst lately.", labels=["worker"]
    )
    cost = GaugeMetricFamily(
        "edgewise_admission_cost_seconds",
        "What a request lately took, of batches a KiB of their body; shed, aside, and reading it (server).",
        labels=["worker", "of"],
    )
    for account in workers:
        if account.admission is None or not account.admission.on:
            continue
        level.add_metric([str(account.worker)], account.admission.level)
        for name, cost_us in account.admission.costs_us.items():
            cost.add_metric([str(account.worker), name], cost_us / 1e6)
    yield level
    yield cost


def _gauge(name: str, description: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, description, value=value)
