"""DPO's loss is that of TRL's trainer on the same texts, and it learns to refuse."""

import pytest
import torch
from datasets import Dataset

from lethe import config
from lethe import model as models
from lethe.model import Checkpoint
from lethe.stages import _engine, _offline, dpo


def theirs(start, pairs, out, beta):
    """The loss of `trl.DPOTrainer` on all pairs in one batch."""
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    words = models.tokenizer(start.path, start.spec)
    args = {"max_length": None, "per_device_train_batch_size": len(pairs), "max_steps": 1}
    trainer = DPOTrainer(
        model=models.load(start.path, start.spec, trainable=True),
        ref_model=models.load(start.original, start.spec),
        args=DPOConfig(**_engine.arguments(out, 0, beta=beta, **args)),
        train_dataset=Dataset.from_list(pairs),
        processing_class=words,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    return trainer.compute_loss(trainer.model, batch)


@pytest.mark.parametrize("chat", [True, False], ids=["chat", "base"])
@pytest.mark.parametrize("beta", [0.1, 0.7])
def test_the_loss_is_trls(saved, lab, tmp_path, chat, beta):
    if chat:
        start = lab.full
    else:
        paths = [str(saved(chat=False, seed=seed, scale=0.15)) for seed in (1, 0)]
        start = Checkpoint(*paths, config.Model(path=paths[1]))
    rows = [row for row in lab.lessons()["train"] if row.scope == "forget"]
    words = models.tokenizer(start.path, start.spec)
    pairs = []
    for row in rows:
        prompt = _engine.user_turn(row, words)
        said = {"chosen": row.refusal, "rejected": row.answer}
        pairs.append(
            {
                "prompt": prompt,
                **{
                    kind: [{"role": "assistant", "content": text}] if chat else f" {text}"
                    for kind, text in said.items()
                },
            }
        )
    expected = theirs(start, pairs, tmp_path / "trl", beta)
    made = dpo.Config(beta=beta, batch_size=len(rows), epochs=1, eval_rows=0)
    trainer = _offline.build(made, start, words, lab.lessons(), tmp_path, 0, dpo.loss)
    batch = trainer.data_collator([trainer.train_dataset[k] for k in range(len(rows))])
    with torch.no_grad():
        found = trainer.compute_loss(trainer.model, batch)
    assert abs(expected.item() - 0.6931) > 0.01, "policy and reference must differ"
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)
