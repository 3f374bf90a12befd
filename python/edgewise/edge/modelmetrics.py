"""Prometheus metrics of models: counts of all workers added up by name, and how the present ones stand."""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from edgewise.intent import SECONDS_BOUNDS, Counts, ModelStatus, buckets_of, counts_of

_COUNTED = (
    ("runs", "Runs of a model, of one row or several at once."),
    ("rows", "Rows that a model was run on: one for each request that asked it."),
    ("failures", "Runs that failed, or kept everybody waiting too long."),
    ("openings", "How often a model that kept failing was given a rest."),
)


def model_metrics(models: Mapping[str, ModelStatus], tallies: Mapping[str, list[int]]) -> Iterator[Metric]:
    """Give every family; a model that was never asked has zeros, one of a bundle before keeps its counts."""
    counted = {name: counts_of(tally) for name, tally in tallies.items()} | {
        name: status.counts for name, status in models.items()
    }
    for field, description in _COUNTED:
        yield _counter(f"edgewise_model_{field}", description, {n: getattr(c, field) for n, c in counted.items()})
    yield _skipped(counted)
    yield _durations(counted, tallies)
    yield from _present(models)


def _counter(name: str, description: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, description, labels=["model"])
    for model, count in counts.items():
        family.add_metric([model], count)
    return family


def _skipped(counted: Mapping[str, Counts]) -> Metric:
    description = "Rows that got no answer from a model, by reason; the decision went on without it."
    family = CounterMetricFamily("edgewise_model_skipped", description, labels=["model", "reason"])
    for model, counts in counted.items():
        for reason, count in counts.skipped.items():
            family.add_metric([model, reason], count)
    return family


def _durations(counted: Mapping[str, Counts], tallies: Mapping[str, list[int]]) -> Metric:
    description = "How long a run of a model took."
    family = HistogramMetricFamily("edgewise_model_run_seconds", description, labels=["model"])
    bounds = [*map(str, SECONDS_BOUNDS), "+Inf"]
    for model, counts in counted.items():
        buckets = buckets_of(tallies[model]) if model in tallies else [0] * len(bounds)
        family.add_metric([model], list(zip(bounds, accumulate(buckets), strict=True)), counts.seconds)
    return family


def _present(models: Mapping[str, ModelStatus]) -> Iterator[Metric]:
    info = GaugeMetricFamily("edgewise_model_info", "Which models the bundle uses.", labels=["model", "digest"])
    ready = GaugeMetricFamily("edgewise_model_ready", "Whether a model may be asked in every worker.", labels=["model"])
    age = GaugeMetricFamily("edgewise_model_age_seconds", "Time since a model was trained.", labels=["model"])
    for name, status in models.items():
        info.add_metric([name, status.digest], 1)
        ready.add_metric([name], status.state == "ready")
        if status.age_seconds is not None:
            age.add_metric([name], status.age_seconds)
    yield from (info, ready, age)
