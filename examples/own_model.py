"""RULE on your own model and rows, from Python: the same recipe as own-data.yaml.

    python examples/own_model.py MODEL

MODEL is a folder with safetensors weights and a tokenizer, or a Hub id. Run it from the folder
above this one: the paths of the rows start at the working directory.
"""

import sys
from pathlib import Path

import lethe
from lethe.benchmarks import files
from lethe.stages import rebo, rejection_steering


def recipe(model: str) -> lethe.Recipe:
    """What to do. Every setting has a default; a wrong one is an error here, not after an hour."""
    return lethe.Recipe(
        name="own-data",
        model=lethe.Model(path=model, lora=lethe.Lora(rank=16, alpha=32)),
        data=files.Config(
            forget=Path("examples/data/forget.jsonl"),
            boundary=Path("examples/data/boundary.csv"),
            retain=Path("examples/data/retain.json"),
            validation=0.1,
            test=0.25,
        ),
        stages=[
            rejection_steering.Config(learning_rate=1e-4),
            rebo.Config(
                steps=40,
                prompts_per_step=8,
                num_generations=8,
                learning_rate=2e-5,
                max_new_tokens=48,
            ),
        ],
        evaluate=lethe.Evaluate(max_new_tokens=48),
    )


if __name__ == "__main__":
    folder = lethe.run(recipe(sys.argv[1]))
    print(f"open {folder / 'report.html'}")
