"""The quickstart's recipe: RULE on the embedded world, the same as recipes/quickstart.yaml.

Built here because an installed package has no `recipes/` beside it; a test keeps the two equal.
"""

from lethe import config
from lethe.config import Recipe

MEANING = """\
What the numbers mean: each is a share of test rows, with its 95 % interval and the number of rows.
On forget rows a high refusal rate and a low leak rate are wanted; on boundary, retain and utility
rows the accuracy of the original model. Test questions were never trained on.
What they do not show: that the fact is gone. Refusing is not erasing; the answer probability in
the report is what is left behind the refusal. And a small made-up world says little of a large
model: run your own with a recipe of your own."""

# Chosen on worlds 101-105; a model of a million parameters wants larger steps than a real one.
INTERPOLATE = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
STAGES = [
    {"stage": "rejection_steering", "learning_rate": 1e-3, "epochs": 6},
    {
        "stage": "rebo",
        "steps": 60,
        "prompts_per_step": 16,
        "num_generations": 4,
        "learning_rate": 6e-4,
        "max_new_tokens": 16,
        "guidance": "demonstration",
        "patience": 2,
        "beta": 0.02,
        "reference": "original",
        "kl_scope": "boundary",
        "interpolate": INTERPOLATE,
    },
]


def recipe(world_seed: int = 0, seed: int = 0, targets: int = 1) -> Recipe:
    """Forget `targets` people of a world; other numbers than the defaults show in its name."""
    changes = {"world": (world_seed, 0), "seed": (seed, 0), "targets": (targets, 1)}
    suffix = "".join(f"-{key}{now}" for key, (now, usual) in changes.items() if now != usual)
    return config.from_dict(
        {
            "name": f"quickstart{suffix}",
            "seed": seed,
            "model": {"path": f"world:{world_seed}"},
            "data": {"benchmark": "world", "seed": world_seed, "targets": targets},
            "stages": STAGES,
            "evaluate": {"max_new_tokens": 16, "batch_size": 256},
            "attacks": [{"attack": "relearn", "learning_rate": 3e-4}],
        },
        "quickstart",
    )
