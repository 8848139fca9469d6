"""What `lethe show --estimate` says, against the memory that stages take on the CPU.

    python bench/memory.py                    # 3 sizes of 10 cases: some minutes
    python bench/memory.py --sizes 2M --cases npo

Llamas with random weights, the embedded world's tokenizer and rows. Each case is a process of its
own: it imports everything, runs the case once with a model of sixty thousand parameters, so that
what libraries make at first use is there, gives freed memory back to the system, resets the mark
of the highest resident memory (Linux: 5 to /proc/self/clear_refs), and runs the stage as a recipe
does, with loading, looks at validation rows, checkpoints and saving. Measured is how far the mark
(VmHWM) then rises above the memory before.

glibc keeps freed blocks of up to 32 MB for later (its threshold grows with what is freed), which
shows as memory that nobody holds: MALLOC_MMAP_THRESHOLD_ is therefore set to 64 KiB, so that every
tensor is a mapping of its own and gone when it is freed, and there is one arena. Without that the
peak of a run depends on the order of its allocations. One thread.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
}
# hidden size, MLP, layers, heads, vocabulary
SIZES = {
    "toy": (32, 48, 2, 2, 1419),
    "0.5M": (96, 264, 4, 3, 1419),
    "2M": (192, 528, 5, 6, 1536),
    "10M": (320, 880, 8, 8, 2048),
    "50M": (640, 1760, 10, 10, 4096),
}
REBO = {
    "stage": "rebo",
    "steps": 2,
    "prompts_per_step": 8,
    "num_generations": 8,
    "max_new_tokens": 24,
    "eval_rows": 8,
    "eval_every": 2,
}
NPO = {
    "stage": "npo",
    "epochs": 1,
    "batch_size": 16,
    "gdr": 1.0,
    "eval_rows": 8,
    "eval_every": 2,
}
VECTOR = {"stage": "task_vector", "epochs": 1, "batch_size": 16, "eval_rows": 8}
LORA = {"lora": {"rank": 8}}
# Settings of the model, and the stage; none: the evaluation alone.
CASES = {
    "rejection_steering": ({}, {"stage": "rejection_steering", "epochs": 1, "batch_size": 16}),
    "rebo": ({}, REBO),
    "rebo-micro": ({}, {**REBO, "micro_batch": 16}),
    "rebo-lora": (LORA, REBO),
    "npo": ({}, NPO),
    "npo-micro": ({}, {**NPO, "micro_batch": 4}),
    "npo-lora": (LORA, NPO),
    "npo-interpolate": ({}, {**NPO, "interpolate": [0.5]}),
    "task_vector": ({}, VECTOR),
    "evaluation": ({}, None),
}


def make(size, folder):
    """A Llama with random weights in a folder, with the embedded world's tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from lethe import world

    hidden, inner, layers, heads, vocabulary = SIZES[size]
    words = AutoTokenizer.from_pretrained(world.SHIPPED)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            tie_word_embeddings=True,
            max_position_embeddings=512,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def recipe(case, path):
    """A recipe of the one stage, or of the evaluation alone."""
    from lethe import config

    model, stage = CASES[case]
    return config.from_dict(
        {
            "name": "memory",
            "model": {"path": str(path), **model},
            "data": {"benchmark": "world", "seed": 0},
            "stages": [stage] if stage else [],
            "evaluate": {"limit": 24},
        }
    )


def run(case, path):
    """What the pipeline would have the case do."""
    from lethe import plug
    from lethe.evaluate import evaluate
    from lethe.model import Checkpoint
    from lethe.planning import plan

    given = recipe(case, path)
    planned = plan(given)
    start = Checkpoint(str(path), str(path), given.model)
    with tempfile.TemporaryDirectory() as scratch:
        if given.stages:
            stage = plug.resolve("stage", given.stages[0].stage)
            stage.train(given.stages[0], start, planned.training(0), Path(scratch), 0)
            return
        evaluate(
            start,
            planned.split("test"),
            Path(scratch),
            given.evaluate,
            name="original",
            metrics=planned.metrics,
            prefix=planned.prefix,
        )


def settle():
    """Give back what is free, and reset the mark; the memory that is left, in bytes."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def inside(case, path, toy):
    """In the case's own process: what it took, what was estimated, and of which phase."""
    from lethe import estimate, process

    process.prepare(progress=False)
    run(case, toy)
    found = estimate.estimate(recipe(case, path), estimate.machine(0, None, False))
    part = found.parts[0]
    before = settle()
    run(case, path)
    return {
        "measured": process.peak() - before,
        "estimated": part.peak.total,
        "phase": part.peak.name,
        "parameters": found.shape.parameters,
    }


def measure(case, path, toy):
    """A case in a fresh process."""
    command = [sys.executable, __file__, "--inside", case, str(path), str(toy)]
    done = subprocess.run(
        command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{case}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Measure and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["2M", "10M", "50M"])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--inside", nargs=3, metavar=("CASE", "MODEL", "TOY"), help="internal")
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(inside(*given.inside)))
        return
    print("| parameters | case | phase that takes most | estimated MiB | measured MiB | ratio |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        folders = {size: make(size, Path(scratch) / size) for size in {"toy", *given.sizes}}
        for size in given.sizes:
            for case in given.cases:
                found = measure(case, folders[size], folders["toy"])
                cells = [f"{found['parameters']:,}", case, found["phase"]]
                cells += [f"{found[key] / 2**20:.0f}" for key in ("estimated", "measured")]
                cells.append(f"{found['estimated'] / found['measured']:.2f}")
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
