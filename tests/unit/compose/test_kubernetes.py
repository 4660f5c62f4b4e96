"""The Kubernetes manifests are docker-compose.yml's: the same processes with the same settings, secrets and callers."""

import re
from typing import Any

import pytest
import yaml

from deploy.make import kubernetes

OURS = kubernetes.processes(kubernetes.compose())
MADE = kubernetes.manifests()
DOCS = (kubernetes.ROOT / "docs" / "ops-kubernetes.md").read_text(encoding="utf-8")


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for file in MADE.values() for found in file if found["kind"] == kind}


def pods() -> dict[str, dict[str, Any]]:
    return {name: found["spec"]["template"]["spec"] for kind in ("Deployment", "Job") for name, found in of_kind(kind).items()}


def test_manifests_are_what_compose_says_now() -> None:
    assert kubernetes.main(["--check"]) == 0


def test_every_process_of_ours_is_there_with_its_command() -> None:
    commands = {name: pod["containers"][0]["args"] for name, pod in pods().items()}
    assert commands == {name: [role] for name, (_, role, _) in OURS.items()}
    assert len(of_kind("Deployment")) == 10
    assert set(of_kind("Job")) == {"auth-migrate", "contact-change-migrate", "claims-migrate"}


@pytest.mark.parametrize("name", OURS)
def test_process_has_composes_settings_and_rights(name: str) -> None:
    service, _, part = OURS[name]
    (container,) = pods()[name]["containers"]
    assert {one["name"] for one in container["env"]} == set(part["environment"])
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pods()[name]["securityContext"]["runAsNonRoot"] is True
    paths = [str(one.get("value", "")) for one in container["env"] if one["name"].endswith("_FILE")]
    secrets = {path.removeprefix("/run/secrets/") for path in paths if path.startswith("/run/secrets/")}
    listed = re.search(rf"^\| `recapito-{service}` \| (.*) \|$", DOCS, re.MULTILINE)
    assert listed
    assert secrets == set(re.findall(r"`([^`]+)`", listed[1]))
    mounted = {one["mountPath"] for one in container["volumeMounts"]}
    for setting in container["env"]:  # a file that it reads lies in something that is mounted
        if setting["name"] in ("RECAPITO_CALLERS_FILE", "RECAPITO_BLOB_DIR") and container["args"] != ["migrate"]:
            assert any(setting["value"].startswith(place) for place in mounted) or service in ("portal", "console")


def test_settings_without_a_default_are_those_of_the_example() -> None:
    keys = {
        one["valueFrom"]["configMapKeyRef"]["key"]
        for pod in pods().values()
        for one in pod["containers"][0]["env"]
        if "valueFrom" in one
    }
    example = yaml.safe_load((kubernetes.FOLDER / "example" / "settings.yaml").read_text(encoding="utf-8"))
    assert keys - set(of_kind("ConfigMap")[kubernetes.SETTINGS]["data"]) == set(example["data"])


def test_who_calls_otp_in_compose_may_here() -> None:
    _, calls = of_kind("NetworkPolicy")["otp"]["spec"]["ingress"]
    labels = [source["podSelector"]["matchLabels"] for source in calls["from"]]
    found = {(one["app.kubernetes.io/name"], one["app.kubernetes.io/component"]) for one in labels}
    assert found == {(what[0], what[1]) for name, what in OURS.items() if name != "otp" and "to-otp" in what[2]["networks"]}
    for name, policy in of_kind("NetworkPolicy").items():
        if name.endswith("-work"):
            assert len(policy["spec"]["ingress"]) == 1  # the metrics
