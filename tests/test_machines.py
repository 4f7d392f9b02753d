"""Several machines, played by network namespaces of this one: each has an address and a working folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from specc.runner.run import train

SPEC = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 2 ; batch 64 ; precision fp32 }\n"


class Machine(NamedTuple):
    """namespace, address, and the interface that the address is on."""

    namespace: str
    address: str
    interface: str

    def command(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, *words]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def machines() -> Iterator[list[Machine]]:
    """Two machines and the cable between them."""
    if shutil.which("ip") is None:
        pytest.skip("the command `ip` is not here")
    names = [f"specc{os.getpid()}{letter}" for letter in "ab"]
    found = [Machine(name, f"10.77.0.{number}", f"v{name}") for number, name in enumerate(names, 1)]
    try:
        try:
            for machine in found:
                _ip("netns", "add", machine.namespace)
            _ip("link", "add", found[0].interface, "type", "veth", "peer", "name", found[1].interface)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"the system makes no network namespace: {error.stderr.decode().strip()}")
        for machine in found:
            _ip("link", "set", machine.interface, "netns", machine.namespace)
            _ip("-n", machine.namespace, "addr", "add", f"{machine.address}/24", "dev", machine.interface)
            for interface in ("lo", machine.interface):
                _ip("-n", machine.namespace, "link", "set", interface, "up")
        yield found
    finally:
        for machine in found:
            subprocess.run(["ip", "netns", "delete", machine.namespace], check=False, capture_output=True)


def test_two_machines_train_as_one_process_does(machines: list[Machine], tmp_path: Path) -> None:
    """Over a network; the first one writes, and nothing but it."""
    processes = []
    for machine in machines:
        folder = tmp_path / machine.namespace
        folder.mkdir()
        (folder / "net.cnn").write_text(SPEC)
        # What torchrun and gloo find out by a machine's name is told to them: these have none of their own.
        command = machine.command(
            sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1",
            "--rdzv_backend", "c10d", "--rdzv_endpoint", f"{machines[0].address}:29400",
            "--rdzv_conf", f"is_host={machine is machines[0]}", "--local_addr", machine.address,
            "-m", "specc", "train", "net.cnn",
        )  # fmt: skip
        environment = os.environ | {"GLOO_SOCKET_IFNAME": machine.interface, "OMP_NUM_THREADS": "1"}
        processes.append(
            subprocess.Popen(
                command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
    try:
        outputs = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(outputs)
    first, second = (tmp_path / machine.namespace for machine in machines)
    assert [path.name for path in second.iterdir()] == ["net.cnn"]
    found = [json.loads(line) for line in (first / "runs" / "net-digits-1" / "metrics.jsonl").read_text().splitlines()]
    alone = train(SPEC, tmp_path / "alone")
    for one, other in zip(found, alone.metrics, strict=True):
        assert one["train_loss"] == pytest.approx(other.train_loss, rel=1e-5)
        assert one["test_accuracy"] == pytest.approx(other.test_accuracy)
