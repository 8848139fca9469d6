"""`lethe launch`: one recipe in several processes, on one node or more; torchrun does the work.

A recipe is planned here first, so that what is wrong with it is told once and at once. Plain data
parallelism is torchrun alone; a sharded model is `accelerate launch` with a configuration, one of
this folder's or a file. Left out: schedulers (Slurm's `srun` starts this command on each node).
"""

import ctypes
import importlib.util
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lethe import config, plug, process, runs, yaml12
from lethe.config import Recipe
from lethe.launch import _ranks
from lethe.locate import locate
from lethe.planning import check_disk, make_rows, plan
from lethe.plug import LetheError

PORT = 29500


class Layout(NamedTuple):
    """How many processes, and which of the nodes this one is."""

    processes: int
    """On each node: one a GPU."""
    nodes: int = 1
    node_rank: int = 0
    address: str | None = None
    """Of node 0, as the others reach it."""
    port: int = PORT
    """On node 0, for the processes to find each other."""

    @property
    def world(self) -> int:
        """Processes on all nodes."""
        return self.processes * self.nodes


def launch(
    recipe: Recipe,
    file: Path,
    layout: Layout,
    *,
    settings: str | None = None,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    dry: bool = False,
) -> None:
    """Plan a recipe, then run it in several processes and wait for them.

    Args:
        recipe: With its overrides.
        file: Where it was read from; every process reads it again.
        layout: The processes.
        settings: Accelerate's: ddp, fsdp2, zero3 or a YAML file; None: torchrun alone.
        overrides: As they stood on the command line.
        out: The run folder, in place of the recipe's.
        dry: Only print the command.

    Raises:
        LetheError: Anything wrong with the recipe or the layout; a process that failed.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the processes have ended.
    """
    check(layout)
    shape, kind = _settings_file(settings, layout) if settings else (None, "")
    folder = (out or recipe.out or Path("runs") / recipe.name).resolve()  # "." has no name
    found = gpus()  # before a model that writes rows takes one, and the driver shows no other
    _plan(recipe, folder, layout, kind)
    logs = folder.with_name(f"{folder.name}.launch") / f"node-{layout.node_rank}"
    own = ["run", str(file), *overrides, *(["--out", str(out)] if out else [])]
    argv = command(own, layout, shape, logs)
    threads = os.environ.get("LETHE_THREADS") or os.environ.get("OMP_NUM_THREADS") or "1"
    shown = f"OMP_NUM_THREADS={threads} {shlex.join(argv)}"
    if dry:
        print(shown)
        return
    check_gpus(layout.processes, found)
    print(shown, file=sys.stderr, flush=True)
    _ranks.run(argv, logs, {"OMP_NUM_THREADS": threads})


def command(own: Sequence[str], layout: Layout, shape: Path | None, logs: Path) -> list[str]:
    """The command line that starts all processes of this node.

    Args:
        own: What follows `lethe` in each process.
        layout: The processes.
        shape: Accelerate's configuration; None: torchrun alone.
        logs: Takes what each process prints.

    >>> " ".join(command(["run", "a.yaml"], Layout(2), None, Path("logs"))[4:])
    '--nproc-per-node=2 --tee=3 --log-dir=logs -m lethe run a.yaml'
    """
    if shape is None:
        start, several = "torch.distributed.run", ["--standalone"]
        if layout.nodes > 1:
            several = [f"--nnodes={layout.nodes}", f"--node-rank={layout.node_rank}"]
            several += [f"--master-addr={layout.address}", f"--master-port={layout.port}"]
        several += [f"--nproc-per-node={layout.processes}", "--tee=3", f"--log-dir={logs}"]
    else:
        start, several = "accelerate.commands.launch", [f"--config_file={shape}"]
        port = layout.port if layout.nodes > 1 else 0  # any that is free
        several += [f"--num_processes={layout.world}", f"--num_machines={layout.nodes}"]
        several += [f"--machine_rank={layout.node_rank}", f"--main_process_port={port}"]
        several += [f"--main_process_ip={layout.address}"] if layout.address else []
        several += ["--tee=3", f"--log_dir={logs}"]
    return [sys.executable, "-m", start, *several, "-m", "lethe", *own]


def check(layout: Layout) -> None:
    """Refuse nodes that could not find each other.

    Raises:
        LetheError: Which option.
    """
    if layout.node_rank >= layout.nodes:
        raise LetheError(
            f"--node-rank: {layout.node_rank}, but there are {layout.nodes} nodes (--nodes); "
            f"choices: 0 to {layout.nodes - 1}"
        )
    if layout.nodes > 1 and not layout.address:
        raise LetheError(
            "--main-address: the name or address of node 0, as the other nodes reach it; give the "
            "same one on every node"
        )

    if layout.nodes == 1 and (layout.address or layout.port != PORT):
        option = "--main-address" if layout.address else "--main-port"
        raise LetheError(f"{option}: is for several nodes; give --nodes too, or leave it out")
    if not 0 < layout.port < 2**16:
        raise LetheError(f"--main-port: {layout.port}: a port is from 1 to {2**16 - 1}")


def check_gpus(processes: int, found: int) -> None:
    """Refuse more processes than a node has GPUs; on one without any they share the CPU.

    Raises:
        LetheError: There are some, but fewer.
    """
    if 0 < found < processes:
        raise LetheError(
            f"--processes: {processes}, but this node has {found} GPU{'s' * (found > 1)}, and each "
            f"process needs one of its own; choices: {found} or fewer"
        )


def gpus() -> int:
    """How many GPUs CUDA's driver gives this process; 0 without CUDA.

    Asked of the driver itself: torch would be seconds in loading.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    found = ctypes.c_int(0)
    failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(found))
    return 0 if failed else found.value


def names() -> list[str]:
    """Configurations of accelerate that come with Lethe."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.yaml"))


def _settings_file(settings: str, layout: Layout) -> tuple[Path, str]:
    """Accelerate's configuration and what it spreads a model by, in capitals.

    Refused where it would not start so many processes.
    """
    shipped = settings in names()
    path = Path(__file__).with_name(f"{settings}.yaml") if shipped else Path(settings)
    if not path.is_file():
        raise LetheError(
            f"--config: {settings}: no such file; {plug.choices(settings, names())}, or a YAML "
            "file as `accelerate config` writes it"
        )
    found = yaml12.loads(path.read_text(encoding="utf-8"), str(path))
    found = found if isinstance(found, dict) else {}
    kind, on_cpu = str(found.get("distributed_type") or "").upper(), found.get("use_cpu")
    if kind not in ("MULTI_GPU", "FSDP", "DEEPSPEED") or on_cpu is True:
        raise LetheError(
            f"--config: {settings}: accelerate would start one process with it "
            f"(distributed_type: {kind or None}, use_cpu: {bool(on_cpu)}); "
            "on the CPU leave --config out"
        )
    if kind == "MULTI_GPU" and layout.world == 1:
        raise LetheError(f"--config: {settings}: needs 2 processes or more; leave it out for one")
    if kind == "DEEPSPEED" and importlib.util.find_spec("deepspeed") is None:
        raise LetheError(
            f"--config: {settings}: needs DeepSpeed, which is not installed here: "
            'pip install "lethe-unlearn[deepspeed]"; choices: fsdp2'
        )
    return path, kind


def _plan(recipe: Recipe, folder: Path, layout: Layout, kind: str) -> None:
    """Find all that can be wrong, as one of so many processes; node 0 makes the rows by itself."""
    process.check()
    runs.check(folder, config.dump(recipe))
    if folder.is_dir() and not layout.node_rank:
        with runs.locked(folder):  # or the logs of the launch that is at work would be overwritten
            pass
    path = locate(recipe.model)
    if not layout.node_rank:
        with process.environment():  # a model that writes rows takes one GPU, and says so there
            make_rows(recipe, True)
    elif "prepare" in vars(plug.resolve("benchmark", recipe.data.benchmark)):
        _rows_are_made(recipe)
    spread = {f"ACCELERATE_USE_{kind}": "true"} if kind in ("FSDP", "DEEPSPEED") else {}
    with process.environment(WORLD_SIZE=str(layout.world), **spread):
        planned = plan(recipe)
    check_disk(folder, planned.earlier.model if planned.earlier else path, recipe)


def _rows_are_made(recipe: Recipe) -> None:
    """Node 0 makes rows, and the others find them there."""
    try:
        plug.resolve("benchmark", recipe.data.benchmark).load(recipe.data)
    except LetheError as error:
        raise LetheError(
            f"{error}. Of several nodes the first makes them, before it waits for the others: "
            "start this one when they are there"
        ) from error
