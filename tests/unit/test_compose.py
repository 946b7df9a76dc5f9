"""docker-compose.yml and Dockerfile: whole, careful, in step with the rest of the repository."""

from __future__ import annotations

import fnmatch
import http.server
import ipaddress
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ioc import __version__
from ioc.cli import commands
from ioc.settings import Settings, read_settings
from ioc.store import open_store
from tests.unit.test_repository import variables_in_code

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:?[-?])?([^}]*)\}")
SECRETS = re.compile(r"TOKEN|PASSWORD|SECRET")
needs_compose = pytest.mark.skipif(
    shutil.which("docker-compose") is None, reason="docker-compose is not installed"
)
services = pytest.mark.parametrize("name", sorted(SERVICES))


def example() -> dict[str, str]:
    """.env.example as name -> value."""
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


# --- as it stands in the file


@services
def test_every_service_is_careful(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not service.get("privileged")
    assert "network_mode" not in service or service["network_mode"] == "none"
    if name == "vmstorage-folders":  # hands folders over, and ends
        assert service["cap_add"] == ["CHOWN"]
        assert service["network_mode"] == "none"
        assert service["restart"] == "no"
        return
    assert "cap_add" not in service
    assert int(service["user"].partition(":")[0]) > 0
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["logging"]["options"]["max-size"]


@services
def test_images_are_pinned(name: str) -> None:
    image, tag = SERVICES[name]["image"].rsplit(":", 1)
    assert re.search(r"\d+\.\d+\.\d+", tag), f"{image}:{tag}"
    if image == "mini-ioc":
        assert tag == __version__


@services
def test_ports_are_open_to_this_machine_only_unless_asked(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("${IOC_BIND:-127.0.0.1}:")
    if "ports" not in SERVICES[name]:
        assert SERVICES[name].get("networks") in (["store"], None), "databases have no way out"
    assert COMPOSE["networks"]["store"] == {"internal": True}


@services
def test_a_service_is_in_one_profile_with_all_it_depends_on(name: str) -> None:
    [profile] = SERVICES[name]["profiles"]
    assert profile in ("influxdb", "cluster")
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        assert SERVICES[other]["profiles"] == [profile]
        wanted = condition["condition"]
        assert wanted == "service_completed_successfully" or "healthcheck" in SERVICES[other]


@services
def test_every_mount_exists_here_or_is_a_volume(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume["source"] if isinstance(volume, dict) else volume.partition(":/")[0]
        source = VARIABLE.sub(lambda found: found[3], source)
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            ending = volume["read_only"] if isinstance(volume, dict) else volume.endswith(":ro")
            assert ending, "what is of the host is only read"
        else:
            assert source in COMPOSE["volumes"]


def test_every_volume_is_used() -> None:
    used = json.dumps([service.get("volumes", []) for service in SERVICES.values()])
    assert not [name for name in COMPOSE["volumes"] if name not in used]


def test_variables_and_their_example_are_the_same() -> None:
    used = {found[0] for found in VARIABLE.findall(TEXT)}
    assert used == set(example()) - {"COMPOSE_PROFILES"}


def test_defaults_are_those_of_the_example() -> None:
    differing = {
        (name, default, example()[name])
        for name, sign, default in VARIABLE.findall(TEXT)
        if sign == ":-" and example()[name] != default
    }
    assert not differing


def test_secrets_have_no_default_and_none_is_written_down() -> None:
    for name, sign, message in VARIABLE.findall(TEXT):
        assert bool(SECRETS.search(name)) == (sign == ":?"), name
        assert sign != ":?" or "scripts/make-env.sh" in message
    for name, value in example().items():
        assert not (SECRETS.search(name) and value), name
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if SECRETS.search(name):
                assert "${" in value, name


def test_the_program_knows_every_setting_it_is_given() -> None:
    ours = [SERVICES[name] for name in ("ioc", "ioc-cluster")]
    given = {name for service in ours for name in service["environment"]}
    known = variables_in_code() | {"IOC_STORE_TOKEN"}
    assert given <= known, given - known
    for service in SERVICES.values():
        if service not in ours and "grafana" not in service["image"]:
            assert not [n for n in service.get("environment", {}) if n.startswith("IOC_")]


def test_both_stores_can_be_opened_with_their_addresses() -> None:
    for name in ("ioc", "ioc-cluster"):
        url = VARIABLE.sub(lambda found: found[3], SERVICES[name]["environment"]["IOC_STORE"])
        hosts = re.findall(r"([a-z][a-z0-9-]+):\d{4}", url.partition("://")[2])
        assert hosts
        assert set(hosts) <= set(SERVICES)
        open_store(url).close()  # asks nobody


def test_both_variants_of_a_service_differ_only_in_their_store() -> None:
    for name in ("ioc", "grafana"):
        one, other = SERVICES[name], SERVICES[f"{name}-cluster"]
        same = one.keys() - {"environment", "depends_on", "profiles", "volumes"}
        assert {key: one[key] for key in same} == {key: other[key] for key in same}


# --- as docker-compose reads it


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """What `docker-compose` and make-env.sh need, in a folder of its own."""
    names = ("docker-compose.yml", ".env.example", "inventory.yaml", "scripts/make-env.sh")
    for name in (*names, "docker/ioc/.gitignore"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(folder: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **more}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


def config(folder: Path, **more: str) -> Mapping[str, Any]:
    done = run(folder, "docker-compose", "config", **more)
    assert done.returncode == 0, done.stderr
    read: Mapping[str, Any] = yaml.safe_load(done.stdout)
    return read


@needs_compose
def test_without_secrets_nothing_starts_and_the_remedy_is_named(copied: Path) -> None:
    for prepare in (lambda: None, lambda: shutil.copy(copied / ".env.example", copied / ".env")):
        prepare()
        done = run(copied, "docker-compose", "config")
        assert done.returncode != 0
        assert "run scripts/make-env.sh" in done.stderr


@needs_compose
def test_with_secrets_of_its_own_it_is_valid_and_bound_to_this_machine(copied: Path) -> None:
    assert run(copied, "scripts/make-env.sh").returncode == 0
    read = config(copied)
    assert set(read["services"]) == set(SERVICES)
    ports = [p for service in read["services"].values() for p in service.get("ports", [])]
    assert len(ports) == 4
    assert all(str(port).startswith("127.0.0.1:") for port in ports)
    opened = config(copied, IOC_BIND="0.0.0.0")
    assert opened["services"]["ioc"]["ports"] == ["0.0.0.0:8080:8080/tcp"]
    assert not inside(read).exposed
    assert inside(opened).exposed, "passwords in the open are warned of"
    assert not inside(config(copied, IOC_BIND="0.0.0.0", IOC_PROXY="172.30.80.1")).exposed
    network = read["networks"]["outside"]["ipam"]["config"][0]["subnet"]
    gateway = str(next(ipaddress.ip_network(network).hosts()))
    assert f"IOC_PROXY={gateway}" in EXAMPLE, "a proxy on the host comes from there"
    token = read["services"]["ioc"]["environment"]["IOC_STORE_TOKEN"]
    influxdb = read["services"]["influxdb"]["environment"]
    assert influxdb["DOCKER_INFLUXDB_INIT_ADMIN_TOKEN"] == token
    grafana = read["services"]["grafana"]["environment"]
    assert grafana["IOC_GRAFANA_INFLUXDB_USER"] == "grafana"
    assert grafana["IOC_GRAFANA_INFLUXDB_PASSWORD"] == influxdb["GRAFANA_STORE_PASSWORD"]
    assert token not in str(grafana), "whoever looks at dashboards may not write"


def inside(read: Mapping[str, Any]) -> Settings:
    """The settings that ioc gets in its container."""
    return read_settings(read["services"]["ioc"]["environment"])


def test_a_half_answer_of_the_cluster_is_an_error() -> None:
    assert "-search.denyPartialResponse" in SERVICES["vmselect"]["command"]
    path = ROOT / "dashboards/provisioning/datasources/victoriametrics.yaml"
    [source] = yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]
    assert source["jsonData"]["customQueryParameters"] == "deny_partial_response=1"


def start_grafana(folder: Path, language: str, url: str) -> subprocess.CompletedProcess[str]:
    """Grafana's entry point with folders of this machine, and `ls` in place of Grafana."""
    shell, _script, _from, _to, last = SERVICES["grafana"]["entrypoint"]
    assert last == "/run.sh"
    target = folder / "grafana"
    target.mkdir(exist_ok=True)
    words = ["docker/grafana/start.sh", f"dashboards/json/{language}", str(target), "ls"]
    environment = {"PATH": os.environ["PATH"], "CONSOLE_URL": url}
    return subprocess.run(
        [shell, *words, str(target)], cwd=ROOT, capture_output=True, text=True, env=environment
    )


@pytest.mark.parametrize("language", ["influxql", "promql"])
@pytest.mark.parametrize(
    "url", ["http://10.1.2.3:8080/", "https://ioc.huyen.vn/a_b", "http://[fd00::1]:80"]
)
def test_links_lead_to_where_people_open_the_pages(language: str, url: str, tmp_path: Path) -> None:
    done = start_grafana(tmp_path, language, url)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 8
    for file in (tmp_path / "grafana").iterdir():
        text = file.read_text(encoding="utf-8")
        assert "127.0.0.1:8080" not in text
        variables = json.loads(text)["templating"]["list"]
        assert [v["query"] for v in variables if v["name"] == "console"] == [url.rstrip("/")]


@pytest.mark.parametrize(
    "url", ["10.1.2.3", "http://", 'http://x"', "http://x|e", "http://a&b", "http://a b"]
)
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    done = start_grafana(tmp_path, "influxql", url)
    assert done.returncode != 0
    assert f"CONSOLE_URL={url.rstrip('/')}" in done.stderr
    assert done.stdout == ""


def test_dashboards_are_where_the_entry_point_looks_for_them() -> None:
    for name in ("grafana", "grafana-cluster"):
        service = SERVICES[name]
        _shell, script, source, target, _last = service["entrypoint"]
        mounts = dict(v.removesuffix(":ro").split(":") for v in service["volumes"])
        where = {inside: outside for outside, inside in mounts.items()}
        assert (ROOT / where[script.rpartition("/")[0]] / "start.sh").is_file()
        assert where[source].startswith("./dashboards/json/")
        assert any(t.startswith(f"{target}:") for t in service["tmpfs"])
        provider = ROOT / "dashboards/provisioning/dashboards/ioc.yaml"
        assert f"path: {target}\n" in provider.read_text(encoding="utf-8")


def test_channels_can_be_read_by_the_program_in_its_container(copied: Path) -> None:
    secret = copied / "docker" / "ioc" / ".env"
    secret.write_text("IOC_CHANNEL_X=secret\n")
    secret.chmod(0o600)
    done = run(copied, "scripts/make-env.sh")
    assert done.returncode == 0, done.stderr
    mode = stat.S_IMODE(secret.stat().st_mode)
    if secret.stat().st_gid == 10001:
        assert mode == 0o640
        assert "sudo" not in done.stdout
    else:
        assert mode == 0o600
        assert "sudo chgrp 10001 docker/ioc/.env" in done.stdout
    secret.chmod(0o644)
    assert "sudo" not in run(copied, "scripts/make-env.sh").stdout


def env_of(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")


def test_secrets_are_long_different_and_for_one_reader(copied: Path, tmp_path: Path) -> None:
    assert run(copied, "scripts/make-env.sh").returncode == 0
    first = {name: value for name, value in env_of(copied).items() if SECRETS.search(name)}
    assert set(first) == {name for name in example() if SECRETS.search(name)}
    assert len(set(first.values())) == len(first)
    assert all(re.fullmatch(r"[A-Za-z0-9]{40}", value) for value in first.values())
    assert stat.S_IMODE((copied / ".env").stat().st_mode) == 0o600
    assert (copied / "docker/ioc/inventory.yaml").stat().st_mode & stat.S_IROTH
    (copied / "docker/ioc/inventory.yaml").write_text("mine\n")
    assert run(copied, "scripts/make-env.sh").returncode == 0
    again = {name: value for name, value in env_of(copied).items() if SECRETS.search(name)}
    assert again == first, "what is there stays"
    assert (copied / "docker/ioc/inventory.yaml").read_text() == "mine\n"


def test_an_older_env_gets_what_it_lacks(copied: Path) -> None:
    (copied / ".env").write_text("IOC_PORT=9000\nGRAFANA_ADMIN_PASSWORD=mine\nIOC_TOKEN=other")
    assert run(copied, "scripts/make-env.sh").returncode == 0
    found = env_of(copied)
    assert found["IOC_PORT"] == "9000"
    assert found["GRAFANA_ADMIN_PASSWORD"] == "mine"
    assert found["IOC_TOKEN"] == "other"
    assert set(found) >= set(example())
    assert len(found["GRAFANA_SECRET_KEY"]) == 40


def test_grafana_may_read_one_bucket_and_nothing_else(tmp_path: Path) -> None:
    """The script that InfluxDB runs when it is set up, with a stand-in for its command line."""
    script = ROOT / "docker" / "influxdb" / "10-readers.sh"
    assert os.access(script, os.X_OK), "run-parts takes only what can be executed"
    stub = tmp_path / "influx"
    stub.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$SAID"\n')
    stub.chmod(0o755)
    wanted = {
        "DOCKER_INFLUXDB_INIT_ORG": "ioc",
        "DOCKER_INFLUXDB_INIT_BUCKET_ID": "0123456789abcdef",
        "GRAFANA_STORE_PASSWORD": "mật khẩu 'x'",
    }
    path = f"{tmp_path}:{os.environ['PATH']}"
    said = tmp_path / "said"
    for missing in (None, *wanted):
        said.unlink(missing_ok=True)
        given = {name: value for name, value in wanted.items() if name != missing}
        environment = {"PATH": path, "SAID": str(said), **given}
        done = subprocess.run([str(script)], capture_output=True, text=True, env=environment)
        assert (done.returncode == 0) == (missing is None), done.stderr
        assert said.exists() == (missing is None)
        if missing is None:
            words = said.read_text(encoding="utf-8").splitlines()
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert words[:3] == ["v1", "auth", "create"]
    assert options == {
        "--org": "ioc",
        "--username": "grafana",
        "--password": "mật khẩu 'x'",
        "--read-bucket": "0123456789abcdef",
    }


# --- Dockerfile

Instruction = tuple[str, str]


def dockerfile() -> list[list[Instruction]]:
    """Stages, each a list of (instruction, words)."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    found: list[list[Instruction]] = []
    for line in filter(None, map(str.strip, lines)):
        instruction, _, words = line.partition(" ")
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, words.strip()))
    return found


def words_of(stage: list[Instruction], instruction: str) -> list[str]:
    return [words for name, words in stage if name == instruction]


def copied_from_here() -> Iterator[str]:
    for stage in dockerfile():
        for words in words_of(stage, "COPY"):
            if "--from=" not in words:
                yield from shlex.split(words)[:-1]


def test_what_the_image_is_made_of_exists_and_is_sent_to_the_builder() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = [line[1:] for line in ignore if line.startswith("!")]
    sources = list(copied_from_here())
    assert {"requirements.lock", "ioc", "collectors"} <= set(sources)
    assert sorted(sources) == sorted(sent)
    assert "*" in ignore
    assert all((ROOT / source).exists() for source in sources)
    assert not [s for s in sources if fnmatch.fnmatch(s, "*.env*")]


def test_the_image_is_small_and_without_root() -> None:
    libraries, final = dockerfile()
    assert all("--require-hashes" in run for run in words_of(libraries, "RUN") if "install" in run)
    runs = " ".join(words_of(final, "RUN"))
    assert "pip install" not in runs
    assert "apt" not in runs
    [user] = words_of(final, "USER")
    assert user == SERVICES["ioc"]["user"]
    group = user.partition(":")[2]
    assert SERVICES["ioc"]["sysctls"] == {"net.ipv4.ping_group_range": f"{group} {group}"}
    assert f"--uid {user.partition(':')[0]} --gid {group}" in runs
    assert [words for stage in dockerfile() for words in words_of(stage, "FROM")] == [
        "python:3.12-slim-bookworm AS libraries",
        "python:3.12-slim-bookworm",
    ]


def test_what_the_container_runs_is_a_command_of_ours() -> None:
    _libraries, final = dockerfile()
    assert json.loads(words_of(final, "ENTRYPOINT")[0]) == ["ioc"]
    [command] = json.loads(words_of(final, "CMD")[0])
    assert command in commands.commands
    done = subprocess.run(
        [sys.executable, str(ROOT / "docker" / "launch.py"), "--version"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert __version__ in done.stdout, done.stderr
    health = words_of(final, "HEALTHCHECK")[0].partition("CMD ")[2]
    assert json.loads(health) == SERVICES["ioc"]["healthcheck"]["test"][1:]


def test_folders_of_the_image_are_those_that_are_mounted() -> None:
    _libraries, final = dockerfile()
    targets = {"/var/lib/ioc", "/var/backups/ioc", "/etc/ioc"}
    mounted = SERVICES["ioc"]["volumes"]
    assert {
        v["target"] if isinstance(v, dict) else v.rpartition(":")[2] for v in mounted
    } == targets
    runs = " ".join(words_of(final, "RUN"))
    assert all(target in runs for target in targets)
    environment = " ".join(words_of(final, "ENV"))
    assert "IOC_DATA_DIR=/var/lib/ioc/data" in environment, "below the mount: a restore renames it"
    assert words_of(final, "WORKDIR") == ["/etc/ioc"]


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


def test_the_health_check_tells_a_living_program_from_a_dead_one() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    [*_python, code] = SERVICES["ioc"]["healthcheck"]["test"]
    live = code.replace("127.0.0.1:8080", f"127.0.0.1:{server.server_port}")
    assert live != code

    def failed(text: str) -> bool:
        return (
            subprocess.run([sys.executable, "-I", "-c", text], capture_output=True).returncode > 0
        )

    assert not failed(live)
    assert failed(live.replace("/healthz", "/other"))
    server.shutdown()
    server.server_close()
    assert failed(live)
