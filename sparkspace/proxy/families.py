"""What many have measured, as one text: Prometheus wants each family once, and each of its series once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

# The text format that all Prometheus servers read: prometheus.io/docs/instrumenting/exposition_formats.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# What is left out of Spark's own: PrometheusServlet says each gauge twice (_Number, _Value), and each timer and
# histogram in eleven lines and more; memory by pool is named after the garbage collector. The single pages have it all.
_LEFT_OUT = re.compile(r"_Value$|_jvm_pools_")
_SUMMARIES = ("histograms", "timers")
# The same of a line that is not parsed yet: most of a page is left out, and to parse a line takes 5 µs and more.
_UNUSED = re.compile(r'\w+_Value[{ ]|\w+_jvm_pools_\w+[{ ]|\w+\{type="(?:histograms|timers)"')
_COLLECTOR = re.compile(r"metrics_jvm_(?!direct_|mapped_)(\w+)_(time|count)_Number")
_NOT_A_DAEMONS = ("metrics_CodeGenerator_", "metrics_HiveExternalCatalog_")
Labels = Mapping[str, str]


class Families:
    """Families by name, in the order in which they came. What was there first stays: type, help, and series."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}
        self._series: set[tuple[str, frozenset[tuple[str, str]]]] = set()

    def collect(self) -> Iterator[Metric]:
        """All of them: this is a registry to ``prometheus_client``."""
        yield from self._families.values()

    def gauge(self, name: str, help: str, value: float, **labels: str) -> None:
        """One measurement of ours."""
        self._family(name, "gauge", help)
        self._add(name, name, labels, value)

    def merge(self, found: Iterable[Metric], labels: Labels) -> None:
        """What somebody has measured. ``labels`` say who, and win over his own."""
        for family in found:
            self._family(family.name, family.type, family.documentation)
            for sample in family.samples:
                self._add(family.name, sample.name, {**sample.labels, **labels}, sample.value)

    def text(self) -> bytes:
        """All in the text format."""
        return generate_latest(self)

    def _family(self, name: str, type: str, help: str) -> None:
        if name not in self._families:
            self._families[name] = Metric(name, help or "As Spark names it.", type)

    def _add(self, family: str, name: str, labels: Labels, value: float) -> None:
        series = (name, frozenset(labels.items()))
        if series not in self._series:
            self._series.add(series)
            self._families[family].add_sample(name, dict(labels), value)


def parse(text: str) -> list[Metric]:
    """The families of a text; of one that is broken, those of the lines that are not."""
    try:
        return list(text_string_to_metric_families(text))
    except ValueError:
        return [family for line in text.split("\n") for family in _parsed(line)]


def _parsed(line: str) -> list[Metric]:
    try:
        return list(text_string_to_metric_families(line))
    except ValueError:
        return []


def of_spark(text: str, application: str = "", name: str = "") -> list[Metric]:
    """What one of Spark's pages has, as the aggregate has it.

    Args:
        text: of ``PrometheusServlet`` or ``PrometheusResource``.
        application: the id of a driver's application; empty: the page is a daemon's.
        name: the application's name, which Spark writes into labels as it is, quotes and all.
    """
    plain = text.replace(f'application_name="{name}", ', "") if name else text
    found = parse("\n".join(line for line in plain.split("\n") if not _UNUSED.match(line)))
    kept = [
        _renamed(sample.name, sample.labels, sample.value, application) for each in found for sample in each.samples
    ]
    return [metric for metric in kept if metric]


def _renamed(name: str, labels: Labels, value: float, application: str) -> Metric | None:
    """One series; None: it is left out.

    A driver's has the application's id in its name (or what ``spark.metrics.namespace`` says), where no dashboard
    finds it. JVMs are the same in all roles. A garbage collector's name becomes a label.
    """
    if application:
        name = re.sub(
            r"^metrics_(?!executor_)\w+?_driver_(?=(jvm_)?)", lambda m: "metrics_" if m[1] else "metrics_driver_", name
        )
    elif name.startswith(_NOT_A_DAEMONS):
        return None
    if not name.startswith(("metrics_", "spark_info")) or _LEFT_OUT.search(name) or labels.get("type") in _SUMMARIES:
        return None
    own = {key: label for key, label in labels.items() if key != "type"}
    if match := _COLLECTOR.fullmatch(name):
        name, own = f"metrics_jvm_gc_{match[2]}_Number", {**own, "collector": match[1]}
    metric = Metric(name, "", "unknown")
    metric.add_sample(name, own, value)
    return metric
