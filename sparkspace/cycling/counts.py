"""What has happened, counted: each line of the log that says so is one more of something. Nothing here asks or acts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

Facts = Mapping[str, object]
# A worker's dyno has 26 s to drain itself; before a turn it may take as long as the lifetimes of dynos allow.
DRAINS_TAKE_S = (1, 2, 5, 10, 20, 26, 60, 300, 900, 3600)
AWAY_FOR_S = (5, 10, 20, 30, 60, 120, 180)
BY = ("sigterm", "turn")
OUTCOMES = ("drained", "cut-off")
# Why the number of workers changes. They begin at 0: to Prometheus, a series that begins at 1 has never grown.
UP = ("application-waits-for-executors", "fewer-than-the-least")
DOWN = ("nothing-to-do", "nothing-is-left-there", "more-than-the-most")


class Counts:
    """Counters and gauges of ours. All of them begin with the master beside which they are."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when each was made: as many series again
        self._registry = CollectorRegistry()
        self._events: dict[str, Callable[[Facts], None]] = {}
        self._drains()
        self._turns()
        self._scaling()

    def hear(self, at: str, facts: Facts) -> None:
        """Count an event of the log; most are nothing to count."""
        if at in self._events:
            self._events[at](facts)

    def text(self) -> bytes:
        """All, as Prometheus reads it."""
        return generate_latest(self._registry)

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(f"sparkspace_{name}", help, labels, registry=self._registry)

    def _drains(self) -> None:
        begun = self._counter("drains_begun", "Drains of workers that have begun.", "by")
        ended = self._counter("drains", "Drains of workers that have ended, by what became of them.", "by", "outcome")
        took = Histogram(
            "sparkspace_drain_seconds", "How long they took.", ["by"], buckets=DRAINS_TAKE_S, registry=self._registry
        )
        left = self._counter("drain_executors_cut_off", "Executors that ran when their dyno's time was up.")
        untold = self._counter("drains_untold", "Turns of workers that the master could not be told of.")
        for by in BY:
            begun.labels(by)
            took.labels(by)
            for outcome in OUTCOMES:
                ended.labels(by, outcome)

        def end(by: str, outcome: str, seconds: str) -> Callable[[Facts], None]:
            def count(facts: Facts) -> None:
                ended.labels(by, outcome).inc()
                took.labels(by).observe(number(facts.get(seconds)))
                left.inc(number(facts.get("executors_left")))

            return count

        for outcome in OUTCOMES:
            self._events[outcome] = end("sigterm", outcome, "seconds")
            self._events[f"cycling-{outcome}"] = end("turn", outcome, "after_s")
        self._events["draining"] = lambda facts: begun.labels("sigterm").inc()
        self._events["cycling-drain"] = lambda facts: begun.labels("turn").inc()
        self._events["cycling-undrained"] = lambda facts: untold.inc()

    def _turns(self) -> None:
        restarts = self._counter("cycling_restarts", "Dynos that were restarted by us.", "type", "reason")
        returns = self._counter("cycling_returns", "Whether they were back in time.", "type", "outcome")
        away = Histogram(
            "sparkspace_cycling_away_seconds", "How long until they were.", ["type"], buckets=AWAY_FOR_S,
            registry=self._registry,
        )  # fmt: skip
        left = self._counter("cycling_left", "Dynos left as they are, and why; many workers are one.", "type", "reason")
        stopped = self._counter("cycling_stopped", "Times that cycling could not go on.", "reason")

        for type in ("master", "worker"):
            restarts.labels(type, "its-turn")
            for outcome in ("back", "absent"):
                returns.labels(type, outcome)

        def back(facts: Facts) -> None:
            returns.labels(kind(facts), "back").inc()
            away.labels(kind(facts)).observe(number(facts.get("after_s")))

        self._events["cycling-restart"] = lambda facts: restarts.labels(kind(facts), reason(facts)).inc()
        self._events["cycling-back"] = back
        self._events["cycling-absent"] = lambda facts: returns.labels(kind(facts), "absent").inc()
        self._events["cycling-left"] = lambda facts: left.labels(kind(facts), reason(facts)).inc()
        self._events["cycling-stopped"] = lambda facts: stopped.labels(reason(facts)).inc()

    def _scaling(self) -> None:
        decisions = self._counter(
            "scaling_decisions", "Looks at the work: more dynos, fewer, or as many, and why.", "decision", "reason"
        )
        stopped = self._counter("scaling_stopped", "Times that scaling could not go on.", "reason")
        gauges = {
            name: Gauge(f"sparkspace_scaling_{name}", help, ["type"], registry=self._registry)
            for name, help in (
                ("dynos", "Dynos that the scaler has found."),
                ("dynos_wanted", "Dynos that the scaler wants."),
                ("dynos_least", "SPARKSPACE_WORKERS_MIN."),
                ("dynos_most", "SPARKSPACE_WORKERS_MAX."),
                ("executors_waited_for", "Executors that applications ask for and have not got."),
                ("dyno_seconds_spent", "Time of dynos since the day began (UTC)."),
                ("dyno_seconds_a_day", "SPARKSPACE_MAX_DYNO_HOURS_PER_DAY."),
            )
        }

        for decision, reasons in (("up", UP), ("down", DOWN)):
            for why in reasons:
                decisions.labels(decision, why)

        def looked(facts: Facts) -> None:
            change = number(facts["dynos_wanted"]) - number(facts["dynos"])
            decisions.labels("up" if change > 0 else "down" if change < 0 else "stay", reason(facts)).inc()
            for name, gauge in gauges.items():
                if facts.get(name) is not None:
                    gauge.labels("worker").set(number(facts[name]))

        self._events["scaling-looked"] = looked
        self._events["scaling-stopped"] = lambda facts: stopped.labels(reason(facts)).inc()


def number(fact: object) -> float:
    """A fact as a number; 0 if it is none."""
    try:
        return float(str(fact))
    except ValueError:
        return 0.0


def kind(facts: Facts) -> str:
    """The process type of the dyno."""
    return str(facts.get("dyno", "")).partition(".")[0]


def reason(facts: Facts) -> str:
    """The reason without what is another each time: ids and numbers would be a series each, for ever."""
    said = str(facts.get("reason", ""))
    said = re.sub(r"\b(?:app|driver)-\d+-\d+(?:,(?:app|driver)-\d+-\d+)*", "application", said)
    return re.sub(r"\d+(?:\.\d+)?", "N", re.sub(r"\b([a-z]+)\.\d+", r"\1", said))[:100]
