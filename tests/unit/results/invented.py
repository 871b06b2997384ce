# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A folder of results as a full run leaves it, of invented raw files: all else the commands make."""

from pathlib import Path
from typing import Any

import yaml

from colonnade.cli import cli
from colonnade.common.files import write_json, write_text
from colonnade.results.crate import Made, write_crate
from colonnade.workflow.job_settings import SECTIONS
from colonnade.workflow.workflow import Workflow

SNAKEFILE = Path("Snakefile")
CLAIMS = Path("config/claims.yaml")
STALLS = ("load_result", "result", "cache_miss", "memory_unit", "execute_unit", "branch", "idle")


def invent(folder: Path, values: dict[str, Any] | None = None) -> list[Made]:
    """Write the results into `folder`; the working directory is a checkout. Returns the jobs."""
    run = _Run(folder, values or yaml.safe_load(Path("config/default.yaml").read_text()))
    run.make()
    write_crate(folder, run.jobs, [SNAKEFILE, CLAIMS], "1.2.3")
    return run.jobs


class _Run:
    def __init__(self, folder: Path, values: dict[str, Any]) -> None:
        self.folder = folder
        self.plan = Workflow.from_config(values, [])
        self.settings = str(folder / "settings/0123456789abcdef.json")
        self.jobs: list[Made] = []

    def __truediv__(self, name: str) -> str:
        return str(self.folder / name)

    def make(self) -> None:
        text = self.plan.settings.text(Path(self.plan.settings.of(*SECTIONS)).stem)
        write_text(Path(self.settings), f"{text}\n")
        write_json(self.folder / "scope.json", {})
        write_json(self.folder / "provenance.json", self.provenance())
        variants = self.plan.networks.variants
        runs = [self.timed(*each) for each in enumerate(self.plan.networks.runs)]
        judged = [self.judged(*each) for each in enumerate(variants)]
        graphs = [self.package(*each) for each in enumerate(variants)]
        tables = {
            name: self / f"tables/{name}.csv" for name in ("throughput", "accuracy", "packages")
        }
        for name, read in (("throughput", runs), ("accuracy", judged), ("packages", graphs)):
            self.step(["table", name], [self.settings], tables[name], read)
        self.step(["step", "claims"], [str(CLAIMS)], self / "claims.json", [*tables.values()])
        shown = {
            "claims": [self / "claims.json"],
            "throughput": [tables["throughput"]],
            "accuracy": [tables["accuracy"], *judged],
            "layers": [tables["throughput"], *runs],
            "cycles": [tables["throughput"], *runs],
            "provenance": [],
        }
        for name, read in shown.items():
            given = [name, self / "provenance.json"]
            self.step(["step", "section"], given, self / f"report/{name}.html", read)
        heading = [tables["throughput"], tables["accuracy"], self / "claims.json"]
        given = ["--left-out", "validation", *heading]
        sections = [self / f"report/{name}.html" for name in shown]
        self.step(["step", "report"], given, self / "report.html", sections)
        write_text(self.folder / "logs/report.log", "")

    def step(self, command: list[str], given: list[str], output: str, read: list[str]) -> None:
        words = [*command, *given, output, *read]
        cli.main(words, standalone_mode=False)
        inputs = [each for each in (*given, *read) if Path(each).is_file()]
        log = self / f"logs/{Path(output).stem}.log"
        self.jobs.append(Made(command[1], ["colonnade", *words], inputs, [output], [log]))

    def timed(self, index: int, run: tuple[str, str]) -> str:
        """The report of a run: two layers, each a third as long in the tenth run as in the first."""
        implementation, variant = run
        cycles = 30_000_000 // (10 + 2 * index)
        layers = [
            {
                **{"name": name, "op": op, "cycles": part, "seconds": part / 1.6e9},
                "counters": {
                    **{"cycles": part, "threads": 1},
                    "stalls": dict.fromkeys(STALLS, part // 20 + index),
                },
            }
            for name, op, part in (("conv1", "conv2d", cycles), ("fc", "linear", cycles // 7))
        ]
        total = sum(layer["cycles"] for layer in layers)
        report = {
            **{"model": "resnet18", "checkpoint_sha256": f"of {variant}", "threads": 1},
            **{"implementation": implementation, "layers": layers},
            "total": {"cycles": total, "seconds": total / 1.6e9},
        }
        return self.write(f"throughput/{variant}/{implementation}.json", report)

    def judged(self, index: int, variant: str) -> str:
        top1 = (340 - 2 * index) / 360
        report = {
            **{"checkpoint_sha256": f"of {variant}", "n_images": 360, "target": "x60"},
            **{"top1_torch": top1, "top1_target": top1, "agreement": 1.0},
            "max_abs_logit_difference": 1.5e-5 * (index + 1),
            "schedule_sources": {"tuned": 3, "other size": 17, "fixed": 1},
            "schedules": [],
        }
        return self.write(f"accuracy/{variant}.json", report)

    def package(self, index: int, variant: str) -> str:
        weights = self.folder / f"packages/{variant}/weights.safetensors"
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"\x01" * (9000 - 3000 * index))
        graph = {"model": "resnet18", "checkpoint_sha256": f"of {variant}"}
        return self.write(f"packages/{variant}/graph.json", graph)

    def write(self, name: str, value: dict[str, Any]) -> str:
        write_json(self.folder / name, value)
        return self / name

    def provenance(self) -> dict[str, Any]:
        config = self.plan.config
        return {
            **{"git_commit": "0123456789abcdef", "dirty": False, "qemu": "qemu 10"},
            **{"image": {"engine": "rootfs", "digest": "sha256:abc"}, "compilers": {"clang": "19"}},
            **{"python": "3.11", "python_packages": {"snakemake": "9"}, "cpu": "a cpu"},
            **{"seeds": {"run": config.seed}, "config_sha256": config.digest()},
            **{"config": config.resolved(), "config_changes": []},
        }
