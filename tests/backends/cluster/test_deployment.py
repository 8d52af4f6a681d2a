"""The files in docker/ that start a service of many parts, held against what the code takes. Nothing is started."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from backends.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[3]
DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
KUBERAY = {each["kind"]: each for each in yaml.safe_load_all((DOCKER / "kuberay.yaml").read_text())}


def own_services() -> dict[str, Any]:
    """Those that run this project."""
    return {name: each for name, each in COMPOSE["services"].items() if each.get("image") == "fourfold-cluster"}


def containers() -> Iterator[dict[str, Any]]:
    """Those of the manifest."""
    cluster = KUBERAY["RayCluster"]["spec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        yield from group["template"]["spec"]["containers"]
    yield from KUBERAY["Deployment"]["spec"]["template"]["spec"]["containers"]


@pytest.fixture
def started(tmp_path: Path) -> Any:
    """`started(*words)` gives the commands that a container runs for these words, `ray` and `python` being others."""
    for name in ("ray", "python"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (tmp_path / name).chmod(0o755)
    settings = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FOURFOLD_WEIGHTS": str(tmp_path / "weights")}

    def commands(*words: str) -> list[list[str]]:
        done = subprocess.run(
            ["sh", str(DOCKER / "start.sh"), *words], env=settings, capture_output=True, text=True, check=True
        )
        return [line.split() for line in done.stdout.splitlines()]

    return commands


def serve_arguments(command: list[str]) -> Any:
    assert command[:3] == ["python", "-m", "backends"]
    return build_parser().parse_args(command[3:])


def test_the_parts_of_the_service_start_what_there_is(started: Any) -> None:
    services = own_services()
    assert set(services) == {"studio", "ingress", "worker-cpu", "worker-gpu"}
    start, serve = started(*services["ingress"]["command"])
    assert start[:3] == ["ray", "start", "--head"] and "--num-cpus=0" in start
    asked = serve_arguments(serve)
    assert (asked.ray, asked.workers, asked.root, asked.drain) == ("auto", (1, 8), Path("/data/jobs"), 600.0)
    for name in ("worker-cpu", "worker-gpu"):
        (worker,) = started(*services[name]["command"])
        assert worker[:3] == ["ray", "start", "--address=ingress:6379"] and "--block" in worker
        assert services[name]["volumes"] == services["ingress"]["volumes"]  # --root is on what both see
    assert started(*services["studio"]["command"]) == [["python", "-m", "studio"]]


def test_every_name_in_the_composition_is_there() -> None:
    services, volumes = COMPOSE["services"], COMPOSE["volumes"]
    assert {"studio", "ingress", "postgres", "store", "prometheus"} < set(services)
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in volumes or (DOCKER / source).exists()
    settings = services["studio"]["environment"]
    assert settings["FOURFOLD_BACKEND"] == "http://ingress:7860"
    from sqlalchemy import make_url

    url = make_url(re.sub(r"\$\{.*?\}", "secret", settings["FOURFOLD_DATABASE_URL"]))
    assert (url.host, url.database) == ("postgres", services["postgres"]["environment"]["POSTGRES_DB"])
    scrape = yaml.safe_load((DOCKER / "prometheus.yaml").read_text())["scrape_configs"][0]
    assert scrape["static_configs"][0]["targets"] == ["ingress:7860"] and scrape["metrics_path"] == "/metrics"


def test_no_secret_and_no_unknown_setting_is_in_the_files() -> None:
    known = set(re.findall(r"`(FOURFOLD_[A-Z_]+)`", (ROOT / "docs/server.md").read_text()))
    named = {name for each in own_services().values() for name in each["environment"] if name.startswith("FOURFOLD_")}
    named |= {each["name"] for one in containers() for each in one["env"] if each["name"].startswith("FOURFOLD_")}
    assert named <= known
    secrets = {
        name: value
        for service in COMPOSE["services"].values()
        for name, value in service.get("environment", {}).items()
        if "PASSWORD" in name or "TOKEN" in name or "SECRET" in name
    }
    assert secrets and all(value.startswith("${") for value in secrets.values())


def test_the_manifest_fits_together(started: Any) -> None:
    (ingress,) = KUBERAY["Deployment"]["spec"]["template"]["spec"]["containers"]
    start, serve = started(*ingress["args"])
    name = KUBERAY["RayCluster"]["metadata"]["name"]
    assert start[:3] == ["ray", "start", f"--address={name}-head-svc:6379"]
    asked = serve_arguments(serve)
    (group,) = KUBERAY["RayCluster"]["spec"]["workerGroupSpecs"]
    assert (asked.ray, asked.workers) == ("auto", (group["minReplicas"], group["maxReplicas"]))
    (worker,) = group["template"]["spec"]["containers"]
    assert asked.worker_gpus == worker["resources"]["limits"]["nvidia.com/gpu"]
    assert worker["volumeMounts"] == ingress["volumeMounts"]
    labels = KUBERAY["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert KUBERAY["Service"]["spec"]["selector"] == labels
    requirements = (ROOT / "requirements-cluster.txt").read_text()
    assert f"ray=={KUBERAY['RayCluster']['spec']['rayVersion']}" in requirements


def test_one_image_has_what_the_parts_need() -> None:
    build = own_services()["ingress"]["build"]
    assert build["args"] == {"CLUSTER": "1"}
    assert "-r requirements-cluster.txt" in (ROOT / "Dockerfile").read_text()
