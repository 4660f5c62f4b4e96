"""deploy/kubernetes/base from docker-compose.yml: ``kubernetes.py`` writes it, ``--check`` says if it is stale.

``--validate`` holds base and example to Kubernetes' own schema; it needs ``pip install kubernetes-validate``.
"""

# mypy: allow-subclassing-any

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "deploy" / "kubernetes"
HEAD: Final = (
    "# Made from docker-compose.yml by deploy/make/kubernetes.py (make docs): change that, or lay an overlay over this.\n"
)
NAMESPACE: Final = "recapito"
SETTINGS: Final = "recapito-settings"
CALLERS: Final = "recapito-callers"
USER: Final = 10001  # as deploy/Dockerfile makes it
METRICS: Final = 9100
TMP: Final = "/tmp"  # noqa: S108 - the container's own
REPLICAS: Final = {"serve": 2, "work": 1}
_VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")
_SIZES: Final = {"m": "Mi", "g": "Gi"}

Made = dict[str, Any]


def compose() -> Made:
    """docker-compose.yml with its anchors resolved."""
    found: Made = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def processes(file: Made) -> dict[str, tuple[str, str, Made]]:
    """Our processes: the service's name, "serve", "work" or "migrate", and what compose says of them."""
    found = {}
    for name, part in file["services"].items():
        service = re.search(r"/([a-z-]+):\$", part["image"])
        if "build" in part and "backup" not in part.get("profiles", []) and service:
            found[name] = (service[1], (part.get("command") or ["serve"])[0], part)
    return found


def manifests() -> dict[str, list[Made]]:
    """What stands in each file of the base."""
    file = compose()
    ours = processes(file)
    files: dict[str, list[Made]] = {"settings": [_settings(ours), _callers()], "network": [_nothing_comes_in()]}
    for name, (service, role, part) in ours.items():
        into = files.setdefault(service, [])
        if role == "migrate":
            into.append(_job(name, service, part))
            continue
        into.append(_deployment(name, service, role, part))
        files["network"].append(_policy(name, service, role, part, ours))
        if role == "serve":
            into += [_service(service, part), _budget(service)]
    files["documents"] = [_claim(volume) for volume in file["volumes"] if volume.endswith("-documents")]
    resources = [f"{name}.yaml" for name in sorted(files)]
    images = sorted({service for service, _, _ in ours.values()})
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAMESPACE,
        "resources": resources,
        "images": [{"name": f"recapito/{service}", "newTag": _tag(file, service)} for service in images],
    }
    return {**files, "kustomization": [kustomization]}


def _tag(file: Made, service: str) -> str:
    found = re.search(r":\$\{RECAPITO_VERSION:-([^}]+)\}", file["services"][service]["image"])
    assert found  # noqa: S101 - the file is ours
    return found[1]


def _object(api: str, kind: str, name: str, service: str = "", role: str = "", **more: Any) -> Made:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": _labels(service, role)}, **more}


def _labels(service: str, role: str) -> dict[str, str]:
    own = {"app.kubernetes.io/name": service, "app.kubernetes.io/component": role}
    return {**{key: value for key, value in own.items() if value}, "app.kubernetes.io/part-of": "recapito"}


def _settings(ours: Mapping[str, tuple[str, str, Made]]) -> Made:
    """What compose takes from .env, with its defaults; what has none must come from an overlay, else no pod starts."""
    data = {}
    for _, _, part in ours.values():
        for value in part["environment"].values():
            for found in _VARIABLE.finditer(str(value)):
                if found["kind"] == "-":
                    data[found["name"]] = found["rest"]
    return _object("v1", "ConfigMap", SETTINGS, role="settings", data=dict(sorted(data.items())))


def _callers() -> Made:
    text = (ROOT / "deploy" / "callers.toml").read_text(encoding="utf-8")
    return _object("v1", "ConfigMap", CALLERS, role="settings", data={"callers.toml": text})


def _environment(part: Made) -> list[Made]:
    """Each setting as itself, or from the settings' ConfigMap where compose takes it from .env."""
    made: list[Made] = []
    for name, value in part["environment"].items():
        variable = _VARIABLE.fullmatch(str(value))
        if variable:
            made.append({"name": name, "valueFrom": {"configMapKeyRef": {"name": SETTINGS, "key": variable["name"]}}})
        else:
            made.append({"name": name, "value": str(value)})
    return made


def _pod(service: str, role: str, part: Made) -> Made:
    size = re.search(r"size=(\d+)([mg])", part["tmpfs"][0])
    assert size  # noqa: S101 - the file is ours
    mounts: list[Made] = [
        {"name": "tmp", "mountPath": TMP},
        {"name": "secrets", "mountPath": "/run/secrets", "readOnly": True},
    ]
    volumes: list[Made] = [
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": size[1] + _SIZES[size[2]]}},
        {"name": "secrets", "secret": {"secretName": f"recapito-{service}", "defaultMode": 0o440}},
    ]
    for volume in part.get("volumes", []):
        source, target = str(volume).split(":")[:2]
        if source.endswith("callers.toml"):
            mounts.append({"name": "callers", "mountPath": str(Path(target).parent), "readOnly": True})
            volumes.append({"name": "callers", "configMap": {"name": CALLERS}})
        else:
            mounts.append({"name": "documents", "mountPath": target})
            volumes.append({"name": "documents", "persistentVolumeClaim": {"claimName": source}})
    memory = part["mem_limit"][:-1] + _SIZES[part["mem_limit"][-1]]
    container: Made = {
        "name": service,
        "image": f"recapito/{service}",
        "args": [role],
        "env": _environment(part),
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": memory}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": part["read_only"],
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    if role != "migrate":
        container["ports"] = [{"name": "metrics", "containerPort": METRICS}]
        if role == "serve":
            container["ports"].append({"name": "main", "containerPort": _port(part)})
        container["startupProbe"] = {"httpGet": {"path": "/livez", "port": "metrics"}, "periodSeconds": 2, "failureThreshold": 30}
        container["livenessProbe"] = {"httpGet": {"path": "/livez", "port": "metrics"}, "periodSeconds": 10, "timeoutSeconds": 5}
        container["readinessProbe"] = {"httpGet": {"path": "/readyz", "port": "metrics"}, "periodSeconds": 5, "timeoutSeconds": 5}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": int(part["stop_grace_period"].removesuffix("s")),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    }


def _port(part: Made) -> int:
    environment = part["environment"]
    return int(str(environment.get("RECAPITO_GRPC_BIND") or environment["RECAPITO_HTTP_BIND"]).rpartition(":")[2])


def _template(service: str, role: str, part: Made) -> Made:
    return {"metadata": {"labels": _labels(service, role)}, "spec": _pod(service, role, part)}


def _deployment(name: str, service: str, role: str, part: Made) -> Made:
    spec = {"replicas": REPLICAS[role], "selector": {"matchLabels": _labels(service, role)}}
    return _object("apps/v1", "Deployment", name, service, role, spec={**spec, "template": _template(service, role, part)})


def _job(name: str, service: str, part: Made) -> Made:
    template = _template(service, "migrate", part)
    template["spec"]["restartPolicy"] = "OnFailure"
    return _object("batch/v1", "Job", name, service, "migrate", spec={"backoffLimit": 10, "template": template})


def _service(service: str, part: Made) -> Made:
    """Headless for gRPC: a caller sees every replica's address and takes them in turn, as with compose."""
    is_grpc = "RECAPITO_GRPC_BIND" in part["environment"]
    spec: Made = {"clusterIP": "None"} if is_grpc else {}
    spec["selector"] = _labels(service, "serve")
    spec["ports"] = [{"name": "main", "port": _port(part), "targetPort": "main"}]
    return _object("v1", "Service", service, service, "serve", spec=spec)


def _budget(service: str) -> Made:
    spec = {"minAvailable": 1, "selector": {"matchLabels": _labels(service, "serve")}}
    return _object("policy/v1", "PodDisruptionBudget", service, service, "serve", spec=spec)


def _nothing_comes_in() -> Made:
    spec = {"podSelector": {"matchLabels": _labels("", "")}, "policyTypes": ["Ingress"]}
    return _object("networking.k8s.io/v1", "NetworkPolicy", "nothing-comes-in", spec=spec)


def _policy(name: str, service: str, role: str, part: Made, ours: Mapping[str, tuple[str, str, Made]]) -> Made:
    """Who may connect: with compose, those that share the network named after the called one; to a front end, anybody."""
    ingress: list[Made] = [
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "ports": [{"protocol": "TCP", "port": METRICS}],
        }
    ]
    if role == "serve":
        theirs = [_labels(*what[:2]) for one, what in ours.items() if one != name and f"to-{service}" in what[2]["networks"]]
        sources: list[Made] = [{"podSelector": {"matchLabels": labels}} for labels in theirs]
        if "front" in part["networks"]:
            sources = [{"namespaceSelector": {}}]
        ingress.append({"from": sources, "ports": [{"protocol": "TCP", "port": _port(part)}]})
    spec = {"podSelector": {"matchLabels": _labels(service, role)}, "policyTypes": ["Ingress"], "ingress": ingress}
    return _object("networking.k8s.io/v1", "NetworkPolicy", name, service, role, spec=spec)


def _claim(name: str) -> Made:
    """Every replica reads and writes the same documents."""
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "50Gi"}}}
    return _object("v1", "PersistentVolumeClaim", name, name.removesuffix("-documents"), "documents", spec=spec)


def _texts() -> Iterator[tuple[Path, str]]:
    for name, found in manifests().items():
        yield (
            FOLDER / "base" / f"{name}.yaml",
            HEAD + yaml.dump_all(found, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=140),
        )


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _validate() -> int:
    import kubernetes_validate  # noqa: PLC0415

    wrong = 0
    for file in sorted(FOLDER.rglob("*.yaml")):
        for found in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            if found["kind"] == "Kustomization":
                continue
            try:
                kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)
            except kubernetes_validate.ValidationError as fault:
                sys.stderr.write(f"{file.name}: {found['kind']} {found['metadata']['name']}: {fault.message}\n")
                wrong = 1
    return wrong


def main(arguments: list[str]) -> int:
    """Writes, checks or validates."""
    if "--validate" in arguments:
        return _validate()
    made = dict(_texts())
    stale = [file for file, text in made.items() if not file.is_file() or file.read_text(encoding="utf-8") != text]
    stale += [file for file in (FOLDER / "base").glob("*") if file not in made]
    if "--check" in arguments:
        for file in stale:
            sys.stderr.write(f"stale: {file.relative_to(ROOT)}: run make docs\n")
        return 1 if stale else 0
    for file, text in made.items():
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
