"""The dashboard, the alert rules and the configuration that ship: they parse, and ask only for numbers that a real run gives."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from stream.monitoring.metrics import DECLARED
from stream.monitoring.observer import DROP_REASONS
from stream.web.access import TOKEN_VARIABLE
from tests import clock, web_client
from tests.command import facestream, running
from tests.media import rtsp_server
from tests.monitor import asked, comes
from tests.paths import ROOT
from tests.ports import free_port

FOLDER = ROOT / "docs" / "monitoring"
PROMETHEUS_OWN = {"job", "instance"}
"""Labels that it gives to whatever it scrapes."""
Samples = dict[str, dict[str, set[str]]]
"""Of each sample's name the values of each of its labels."""


@pytest.fixture(scope="module")
def scrape(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """What a run with a camera, a classifier, a recording, an open page and somebody without the token gives."""
    from stream.sources.demo import CYCLE_S, DemoSource

    folder, port, web = tmp_path_factory.mktemp("run"), free_port(), free_port()
    words = ("-o", folder / "out.mp4", "--metrics-port", str(port), "--web", str(web))
    demo = DemoSource(size=(320, 240))
    clip = clock.make_clip(folder / "clip", rate=15, image=lambda number: demo.look(number * CYCLE_S / 150))
    with (
        rtsp_server(clip=str(clip), rate=15) as server,
        running("run", server.address, *words, environment={TOKEN_VARIABLE: web_client.TOKEN}) as process,
    ):
        comes(port, "/metrics", lambda status, text: "facestream_faces_total{" in text and 'stage="write"' in text)
        with web_client.page(web) as page:
            page.watch()
            page.picture()
            assert web_client.ask(web, "/api/status").status == 401
            comes(port, "/metrics", lambda status, text: "facestream_web_drawn_seconds_bucket{" in text)
            text = asked(port, "/metrics")[1]
        process.terminate()
        process.communicate(timeout=20)
    samples: Samples = {"up": {}}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = samples.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return samples


def dashboard() -> dict[str, Any]:
    return json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def asked_for() -> dict[str, str]:
    """Every expression, by where it stands, with Grafana's variables replaced as Grafana does."""
    found = {rule["alert"]: rule["expr"] for rule in rules()}
    for panel in panels():
        found |= {f"{panel['title']} {target['refId']}": target["expr"] for target in panel["targets"]}
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            found[f"${variable['name']}"] = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).group(1)  # type: ignore[union-attr]
    return {place: re.sub(r"\$(instance|source)\b", ".*", text.replace("$__rate_interval", "1m")) for place, text in found.items()}


def parts(expression: str) -> list[Any]:
    """Every node of an expression, as PromQL's own grammar reads it."""
    nodes: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), lambda node: nodes.append(node))
    return nodes


def grouping(node: Any) -> Iterator[str]:
    """The labels that an aggregation or a match names."""
    modifier = getattr(node, "modifier", None)
    if isinstance(node, promql_parser.AggregateExpr) and modifier is not None:
        yield from modifier.labels
    elif isinstance(node, promql_parser.BinaryExpr) and modifier is not None and modifier.matching is not None:
        yield from modifier.matching.labels


@pytest.mark.parametrize("place", asked_for())
def test_an_expression_asks_only_for_what_there_is(place: str, scrape: Samples) -> None:
    nodes = parts(asked_for()[place])
    selectors = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
    selectors += [node.vector_selector for node in nodes if isinstance(node, promql_parser.MatrixSelector)]
    assert selectors
    known = set(PROMETHEUS_OWN)
    for selector in selectors:
        assert selector.name in scrape
        labels = scrape[selector.name]
        known |= set(labels)
        for matcher in selector.matchers.matchers:
            assert matcher.name in PROMETHEUS_OWN | set(labels), f"{selector.name} has no label {matcher.name}"
            if matcher.op == promql_parser.MatchOp.Equal and matcher.name not in PROMETHEUS_OWN:
                assert matcher.value in labels[matcher.name]
    assert {label for node in nodes for label in grouping(node)} <= known
    legends = [
        target["legendFormat"] for panel in panels() for target in panel["targets"] if f"{panel['title']} {target['refId']}" == place
    ]
    assert set(re.findall(r"{{(\w+)}}", " ".join(legends))) <= known


def test_every_metric_of_the_table_is_given_by_a_real_run(scrape: Samples) -> None:
    suffix = {"Counter": "", "Gauge": "", "Histogram": "_bucket"}
    for one in DECLARED:
        assert set(scrape[one.name + suffix[one.kind.__name__]]) - {"le"} == set(one.labels)
    assert scrape["facestream_drops_total"]["reason"] == set(DROP_REASONS)


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    used = " ".join(asked_for().values())
    assert [one.name for one in DECLARED if one.name not in used and one.name != "facestream_faces_total"] == []


def test_alerts_cover_what_can_go_wrong_and_say_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for wanted in ("Down", "ThreadStalled", "CameraDown", "PictureStale", "DroppingAllFrames", "DecodeErrors", "OutputFailing"):
        assert f"Facestream{wanted}" in names
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert re.fullmatch(r"\d+[sm]", rule.get("for", "0s"))
        labels = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert labels <= PROMETHEUS_OWN | {"source", "thread"}


def test_the_dashboard_can_be_imported_and_nothing_overlaps() -> None:
    board = dashboard()
    assert board["uid"]
    assert board["schemaVersion"] >= 36
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["source"]["multi"]
    assert variables["source"]["includeAll"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels():
        assert panel["type"] in ("timeseries", "stat")
        assert panel["targets"]
        assert {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])} == {"${datasource}"}
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
    for one, other in combinations([panel["gridPos"] for panel in board["panels"]], 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"], (one, other)
    assert max(panel["gridPos"]["x"] + panel["gridPos"]["w"] for panel in board["panels"]) == 24


def test_prometheus_scrapes_where_the_service_serves_and_the_service_runs_a_command_that_there_is(tmp_path: Path) -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert [(FOLDER / name).exists() for name in config["rule_files"]] == [True]
    (scraped,) = config["scrape_configs"]
    (target,) = scraped["static_configs"][0]["targets"]
    service = (FOLDER / "facestream.service").read_text(encoding="utf-8").replace("\\\n", " ")
    words = shlex.split(next(line for line in service.splitlines() if line.startswith("ExecStart=")))[1:]
    assert target.split(":") == ["127.0.0.1", words[words.index("--metrics-port") + 1]]
    assert f'job="{scraped["job_name"]}"' in (FOLDER / "alerts.yml").read_text(encoding="utf-8")
    done = facestream(*(tmp_path / "cams.yaml" if word == "/etc/facestream/cams.yaml" else word for word in words))
    assert done.returncode == 2
    assert "there is no such settings file" in done.stderr, "everything else on its line is understood"
