"""An estimate as tables for the terminal, and as plain data."""

from collections.abc import Iterator
from typing import Any

from lethe.estimate import GIB, RESERVE, Estimate, Part, fits
from lethe.estimate.memory import Phase
from lethe.table import aligned

_COLUMNS = {
    "weights": "weights",
    "gradients": "gradients",
    "optimizer": "optimizer",
    "copies": "copies",
    "cache": "KV cache",
    "activations": "activations",
    "logits": "logits",
    "total": "all",
}


def lines(found: Estimate) -> Iterator[str]:
    """Everything, to be printed."""
    yield from _heads(found)
    yield ""
    rows = [["GiB on one device", *_COLUMNS.values()]]
    for part in found.parts:
        rows.append([part.name, *[""] * len(_COLUMNS)])
        rows += [_row(phase, mark=phase is part.peak) for phase in part.phases]
    yield from aligned(rows)
    yield ""
    for part in found.parts:
        yield from _verdict(part, found)
    yield ""
    yield from aligned(list(_work(found)))


def _heads(found: Estimate) -> Iterator[str]:
    shape, machine = found.shape, found.machine
    kind = "LoRA" if shape.lora else "every weight" if _all(found) else "the others are frozen"
    yield (
        f"model: {found.recipe.model.path}, {shape.parameters:,} parameters, "
        f"{shape.trained:,} trained ({kind})"
    )
    yield f"loaded for training as {'float32' if found.how.weight == 4 else 'bfloat16'}" + (
        ", computed in bfloat16" if found.how.autocast else ""
    )
    way = "shared by all (FSDP, ZeRO-3)" if machine.sharded else "a copy on each"
    many = f", {way}" if machine.gpus > 1 else ""
    place = f"{machine.gpus} GPU{'s' * (machine.gpus > 1)} of" if machine.gpus else "the CPU, with"
    yield f"on {place} {size(machine.memory)} GiB{many}"


def _all(found: Estimate) -> bool:
    return found.shape.trained == found.shape.parameters


def _row(phase: Phase, *, mark: bool) -> list[str]:
    cells = [size(getattr(phase, key)) if getattr(phase, key) else "-" for key in _COLUMNS]
    return [f"{'*' if mark else ' '} {phase.name}", *cells]


def _verdict(part: Part, found: Estimate) -> Iterator[str]:
    if not part.phases:
        yield f"{part.name}: not estimated"
        return
    machine, peak = found.machine, part.peak
    spare = RESERVE[machine.gpus > 0]
    told = f"{part.name}: {size(peak.total)} GiB ({peak.name}) and {size(spare)} for the libraries"
    if fits(part, machine):
        yield f"{told}: fits into {size(machine.memory)}"
        return
    yield f"{told}: DOES NOT FIT into {size(machine.memory)}"
    for words, total in part.advice:
        yield f"    {words}: {size(total)} GiB"


def _work(found: Estimate) -> Iterator[list[str]]:
    flops = [f"TFLOP {what}" for what in ("rollout", "scoring", "update", "looks", "all")]
    yield ["at most", "steps", "completions", "tokens", *flops]
    for part in found.parts:
        work = part.work
        counts = [f"{n:,}" if n else "-" for n in (work.steps, work.rollouts, work.tokens)]
        flops = (work.rollout, work.scoring, work.update, work.looks, work.total)
        yield [part.name, *counts, *(size(n / 1e12, 1) if n else "-" for n in flops)]


def size(number: float, unit: float = GIB) -> str:
    """Three digits or so.

    >>> size(80 * 2**30), size(2**30 / 200), size(123456, 1)
    ('80.0', '0.005', '123,456')
    """
    value = number / unit
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def plain(found: Estimate) -> dict[str, Any]:
    """The same as data: bytes and operations."""
    return {
        "model": found.recipe.model.path,
        "shape": found.shape._asdict(),
        "machine": found.machine._asdict(),
        "parts": [
            {
                "name": part.name,
                "fits": fits(part, found.machine) if part.phases else None,
                "peak": part.peak.total if part.phases else None,
                "phases": [{**phase._asdict(), "total": phase.total} for phase in part.phases],
                "work": {**part.work._asdict(), "total": part.work.total},
                "advice": [{"change": words, "peak": total} for words, total in part.advice],
            }
            for part in found.parts
        ],
    }
