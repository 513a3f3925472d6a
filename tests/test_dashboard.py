"""``docs/grafana.json`` by itself: what Grafana needs to import it. tests/box/test_metrics.py has its queries run."""

from __future__ import annotations

from .dashboard import DASHBOARD, queries

DATASOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}


def test_grafana_asks_which_prometheus_it_is_for() -> None:
    assert [(each["name"], each["pluginId"]) for each in DASHBOARD["__inputs"]] == [("DS_PROMETHEUS", "prometheus")]
    assert DASHBOARD["id"] is None
    for panel in DASHBOARD["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"] == DATASOURCE, panel["title"]
            assert [each["datasource"] for each in panel["targets"]] == [DATASOURCE] * len(panel["targets"])


def test_kinds_of_panels_are_those_that_it_requires() -> None:
    required = {each["id"] for each in DASHBOARD["__requires"] if each["type"] == "panel"}
    assert {panel["type"] for panel in DASHBOARD["panels"]} == required | {"row"}


def test_panels_stand_beside_each_other() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_query_is_of_the_chosen_clusters() -> None:
    assert [each.expr for each in queries() if each.expr.count('job=~"$job"') < len(each.names)] == []
    assert [each.expr for each in queries() if not each.names] == []
