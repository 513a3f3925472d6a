"""Many texts of Spark's made one: names, labels, and what is broken."""

from __future__ import annotations

import pytest
from prometheus_client import Metric

from sparkspace.proxy import families
from sparkspace.proxy.families import Families, of_spark, parse

APP = "app-20261122122750-0000"
WORKER = """\
metrics_worker_coresFree_Number{type="gauges"} 1
metrics_worker_coresFree_Value{type="gauges"} 1
metrics_jvm_heap_used_Number{type="gauges"} 7.3E7
metrics_jvm_pools_Metaspace_used_Number{type="gauges"} 5
metrics_jvm_G1_Young_Generation_time_Number{type="gauges"} 203
metrics_jvm_direct_count_Number{type="gauges"} 18
metrics_HiveExternalCatalog_fileCacheHits_Count{type="counters"} 0
metrics_CodeGenerator_compilationTime_Count{type="histograms"} 0
"""


def series(found: list[Metric]) -> dict[tuple[str, ...], float]:
    """Name and labels → value."""
    return {
        (each.name, *(f"{key}={value}" for key, value in sorted(each.labels.items()))): each.value
        for metric in found
        for each in metric.samples
    }


def test_daemon_says_each_thing_once() -> None:
    assert series(of_spark(WORKER)) == {
        ("metrics_worker_coresFree_Number",): 1,
        ("metrics_jvm_heap_used_Number",): 7.3e7,
        ("metrics_jvm_gc_time_Number", "collector=G1_Young_Generation"): 203,
        ("metrics_jvm_direct_count_Number",): 18,
    }


def test_what_is_left_out_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(families, "parse", lambda text: parsed.extend(text.split("\n")) or parse(text))
    assert of_spark(WORKER)
    assert parsed
    assert not [line for line in parsed if "_Value" in line or "_pools_" in line or "histograms" in line]


@pytest.mark.parametrize("namespace", ["app_20261122122750_0000", "my_namespace", "x"])
def test_driver_s_names_are_the_same_for_all_applications(namespace: str) -> None:
    text = (
        f'metrics_{namespace}_driver_DAGScheduler_job_allJobs_Number{{type="gauges"}} 3\n'
        f'metrics_{namespace}_driver_jvm_heap_used_Number{{type="gauges"}} 4\n'
        f'metrics_{namespace}_driver_jvm_Copy_count_Number{{type="gauges"}} 5\n'
        f'metrics_{namespace}_driver_CodeGenerator_x_Mean{{type="histograms"}} 6\n'
        f'metrics_{namespace}_driver_messageProcessingTime_Count{{type="timers"}} 7\n'
    )
    assert series(of_spark(text, APP, "job")) == {
        ("metrics_driver_DAGScheduler_job_allJobs_Number",): 3,
        ("metrics_jvm_heap_used_Number",): 4,
        ("metrics_jvm_gc_count_Number", "collector=Copy"): 5,
    }


@pytest.mark.parametrize(
    "name", ["job", 'he said "x" \\ y', "two\nlines", 'x", executor_id="9"} 1\nsparkspace_up 5\n#']
)
def test_application_may_be_called_whatever_its_author_likes(name: str) -> None:
    """Spark writes the name into a label as it is."""
    text = "".join(
        f'metrics_executor_totalCores{{application_id="{APP}", application_name="{name}", executor_id="{each}"}} 2\n'
        for each in ("1", "driver")
    )
    assert series(of_spark(text, APP, name)) == {
        ("metrics_executor_totalCores", f"application_id={APP}", f"executor_id={each}"): 2 for each in ("1", "driver")
    }
    families = Families()
    families.merge(of_spark(text, APP, name), {"application_name": name})
    (metric,) = parse(families.text().decode())
    assert {each.labels["application_name"] for each in metric.samples} == {name}


@pytest.mark.parametrize(
    "broken",
    [
        "<html>gone</html>",
        "metrics_a{",
        'metrics_a{x="} 1',
        "metrics_a one",
        "metrics_a",
        "é 1",
        "\0",
        "# TYPE",
        "a 1 2 3 4",
    ],
)
def test_broken_lines_spoil_no_others(broken: str) -> None:
    found = of_spark(f'metrics_master_apps_Number{{type="gauges"}} 1\n{broken}\nmetrics_master_workers_Number 2\n')
    assert series(found) == {("metrics_master_apps_Number",): 1, ("metrics_master_workers_Number",): 2}


def test_nobody_speaks_for_us() -> None:
    assert of_spark("sparkspace_up 1\nup 1\nmetrics_x 1\n", APP)[0].name == "metrics_x"


def test_families_of_many_come_once_each() -> None:
    families = Families()
    for number in (1, 2):
        families.merge(of_spark(WORKER), {"dyno": f"worker.{number}", "type": "x"})
        families.gauge("sparkspace_up", "Help.", 1, dyno=f"worker.{number}")
    lines = families.text().decode().splitlines()
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) == 5
    assert [line for line in lines if line.startswith("metrics_worker_coresFree_Number{")] == [
        'metrics_worker_coresFree_Number{dyno="worker.1",type="x"} 1.0',
        'metrics_worker_coresFree_Number{dyno="worker.2",type="x"} 1.0',
    ]


def test_what_was_there_first_stays() -> None:
    """Prometheus throws a scrape away that has a family of two types, or a series twice."""
    families = Families()
    families.gauge("sparkspace_x", "First.", 1, dyno="a")
    families.merge(parse('# TYPE sparkspace_x counter\nsparkspace_x{dyno="b"} 2\n'), {})
    families.merge(parse("sparkspace_x 3\n"), {"dyno": "a"})
    text = families.text().decode()
    assert text.count("# TYPE sparkspace_x ") == 1 and "# TYPE sparkspace_x gauge" in text
    assert text.count('sparkspace_x{dyno="a"}') == 1 and 'sparkspace_x{dyno="a"} 1.0' in text


def test_who_is_asked_does_not_say_who_he_is() -> None:
    families = Families()
    families.merge(of_spark('metrics_master_apps_Number{dyno="master.9",role="worker",x="y"} 1'), {"dyno": "master.1"})
    assert 'metrics_master_apps_Number{dyno="master.1",role="worker",x="y"} 1.0' in families.text().decode()


def test_counters_and_histograms_keep_their_types() -> None:
    text = (
        "# TYPE sparkspace_drains_total counter\nsparkspace_drains_total 1\n"
        '# TYPE sparkspace_drain_seconds histogram\nsparkspace_drain_seconds_bucket{le="+Inf"} 1\n'
        "sparkspace_drain_seconds_count 1\nsparkspace_drain_seconds_sum 3\n"
    )
    families = Families()
    families.merge(parse(text), {"dyno": "master.1"})
    shown = families.text().decode()
    for line in ("# TYPE sparkspace_drains_total counter", "# TYPE sparkspace_drain_seconds histogram"):
        assert line in shown.splitlines()
    assert 'sparkspace_drain_seconds_bucket{dyno="master.1",le="+Inf"} 1.0' in shown
