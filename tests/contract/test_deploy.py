"""The files of `deploy/` are well formed and speak of routes and metrics that exist."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from guanxi_common.http.openapi import operations
from guanxi_common.installation import SERVICES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PRODUCTION = ["libs/common", *(f"services/{service}-svc" for service in SERVICES)]
SOURCES = [ROOT / package / "src" for package in PRODUCTION]
PLAIN_YAML = [file for kind in ("*.yaml", "*.yml") for file in sorted(DEPLOY.rglob(kind)) if "templates" not in file.parts]


@pytest.mark.parametrize("file", PLAIN_YAML, ids=lambda file: str(file.relative_to(DEPLOY)))
def test_yaml_is_yaml(file: Path) -> None:
    assert yaml.safe_load(file.read_text("utf-8"))


def _routed() -> dict[str, str]:
    """The service by first path segment, as the proxy routes it."""
    text = (DEPLOY / "nginx/nginx.conf").read_text("utf-8")
    found = re.findall(r"\^/v1/\(([^)]*)\).*?proxy_pass http://(\w+);", text, re.DOTALL)
    return {segment: service for segments, service in found for segment in segments.split("|")}


def test_the_proxy_routes_every_operation_to_its_service() -> None:
    wanted: dict[str, str] = {}
    for service in SERVICES:
        document: dict[str, Any] = json.loads((ROOT / f"docs/api/{service}-svc.json").read_text("utf-8"))
        wanted |= {path.split("/")[2].partition(":")[0]: service for path, _, _ in operations(document)}
    assert _routed() == wanted


def test_the_ports_are_those_of_the_services() -> None:
    proxied = re.findall(r"upstream (\w+) \{ server \w+-api:(\d+);", (DEPLOY / "nginx/nginx.conf").read_text("utf-8"))
    charted = yaml.safe_load((DEPLOY / "helm/guanxi/values.yaml").read_text("utf-8"))["services"]
    assert {service: int(port) for service, port in proxied} == SERVICES
    assert {service: values["port"] for service, values in charted.items()} == SERVICES


def test_the_charts_ingress_goes_to_the_same_proxy() -> None:
    chart = DEPLOY / "helm/guanxi"
    assert (chart / "files/nginx.conf").resolve() == DEPLOY / "nginx/nginx.conf"
    template = (chart / "templates/proxy.yaml").read_text("utf-8")
    assert '.Files.Get "files/nginx.conf"' in template
    ingress = template[template.index("kind: Ingress") :]
    assert re.findall(r"backend: \{service: \{name: ([^,]+),", ingress) == ["{{ .Release.Name }}-proxy"]
    used = set(re.findall(r"\.Values\.ingress\.(\w+)", template))
    assert used == set(yaml.safe_load((chart / "values.yaml").read_text("utf-8"))["ingress"])


@pytest.mark.parametrize("file", ["prometheus/rules.yaml", "grafana/guanxi.json"])
def test_every_metric_named_is_set_by_a_process(file: str) -> None:
    """Not only declared: its name in the code is used outside the module that declares it."""
    named = set(re.findall(r"guanxi_\w+", " ".join(_expressions(file))))
    texts = {source: source.read_text("utf-8") for root in SOURCES for source in root.rglob("*.py")}
    declared = {
        metric: (variable, source)
        for source, text in texts.items()
        for variable, metric in re.findall(r'^(\w+)[^=\n]* = (?:Counter|Gauge|Histogram)\(\s*"(guanxi_\w+)"', text, re.MULTILINE)
    }
    assert named
    for metric in named:
        variable, source = declared[re.sub(r"_(bucket|count|sum)$", "", metric)]
        assert any(re.search(rf"\b{variable}\b", text) for other, text in texts.items() if other != source), metric


def _expressions(file: str) -> list[str]:
    document = yaml.safe_load((DEPLOY / file).read_text("utf-8"))
    if file.endswith(".json"):
        return [target["expr"] for panel in document["panels"] for target in panel["targets"]]
    return [rule["expr"] for group in document["groups"] for rule in group["rules"]]


def test_every_alert_has_its_runbook() -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus/rules.yaml").read_text("utf-8"))["groups"]
    books = [rule["annotations"]["runbook"] for group in groups for rule in group["rules"]]
    assert books
    assert [book for book in books if not (ROOT / book).is_file()] == []


def test_no_container_has_the_credentials_of_another_service() -> None:
    containers = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    for name, container in containers.items():
        service, _, process = name.rpartition("-")
        if process in ("api", "worker", "migrate"):
            environment = container["environment"]
            assert environment["DATABASE_URL"].endswith(f"/guanxi_{service}"), name
            for url in (value for value in environment.values() if value.startswith("postgresql://")):
                assert url.startswith(f"postgresql://guanxi_{service}:"), name


def test_the_chart_gives_a_service_its_own_secret_and_of_the_common_one_only_the_keys() -> None:
    template = (DEPLOY / "helm/guanxi/templates/_process.tpl").read_text("utf-8")
    assert re.findall(r"secretRef: \{name: (.*)\}", template) == ["{{ .root.Values.secret }}-{{ .name }}"]
    assert "_DATABASE_URL" not in template


def test_the_image_holds_what_runs_and_runs_it_as_nobody_in_particular() -> None:
    """The locked packages, the common library and one service: no sandbox, no tests' packages, no tools of development, no root."""
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    assert [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line] == [
        ["requirements.txt"], ["libs/common"], ["services/${SERVICE}-svc"],
    ]  # fmt: skip
    [local] = [line for line in lines if "--no-build-isolation" in line]
    assert local.split()[-2:] == ["./libs/common", "./services/${SERVICE}-svc"]
    assert any("--require-hashes -r requirements.txt" in line for line in lines)
    assert lines.index("USER 10001") < lines.index('ENTRYPOINT ["guanxi"]')
    assert {".git", ".guanxi"} <= set((DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split())


@pytest.mark.parametrize("service", SERVICES)
def test_each_process_runs_from_the_image_of_its_service(service: str) -> None:
    containers = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    for process in ("migrate", "api", "worker"):
        container = containers[f"{service}-{process}"]
        assert (container["image"], container["build"]["args"]) == (f"guanxi-{service}", {"SERVICE": service})
    template = (DEPLOY / "helm/guanxi/templates/_process.tpl").read_text("utf-8")
    assert 'image: "{{ .root.Values.image.repository }}-{{ .name }}:{{ .root.Values.image.tag }}"' in template


def test_what_an_image_installs_is_what_common_and_the_services_need() -> None:
    """No package of the sandbox, of the tests or of the checkout is in the lock, or among what production's packages declare."""
    wanted = {name.partition("[")[0] for package in PRODUCTION for name in _dependencies(package)}
    assert wanted & {"faker", "pytest", "guanxi-sandbox", "guanxi-testing", "guanxi-operator"} == set()
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE))
    assert wanted - {"guanxi-common"} <= locked
    assert locked & {"faker", "pytest", "hypothesis"} == set()


def _dependencies(package: str) -> list[str]:
    declared: list[str] = tomllib.loads((ROOT / package / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return declared
