"""Steps that are cut by the memory and the processes, by hand."""

import json

import pytest

from lethe.plug import LetheError
from lethe.stages._micro import held, passes, spread


def sizes(passes, rows):
    return {"per_device_train_batch_size": rows, "gradient_accumulation_steps": passes}


def test_a_step_is_spread_over_processes_and_passes(monkeypatch):
    assert spread(24, None, "s") == sizes(1, 24)
    assert spread(24, 8, "s") == sizes(3, 8)
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert spread(24, None, "s") == sizes(1, 6)
    assert spread(24, 8, "s") == sizes(1, 6), "a process has no more than its own"
    assert spread(24, 2, "s") == sizes(3, 2)
    with pytest.raises(LetheError, match=r"^s: a step of 26 rows .* 4 processes; choices: 24 or"):
        spread(26, None, "s")
    with pytest.raises(LetheError, match=r"micro_batch: 4 does not divide the 6 .* 1, 2, 3, 6$"):
        spread(24, 4, "s")


def holding(limit, tried):
    """A training whose memory holds so many rows a pass."""

    def train(micro):
        rows = spread(12, micro, "s")["per_device_train_batch_size"]
        tried.append(rows)
        with passes():
            if rows > limit:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return "trained"

    return train


def test_a_pass_is_halved_until_the_memory_holds_it_and_that_is_remembered(tmp_path, capsys):
    tried = []
    assert held(tmp_path, 12, None, "s", holding(3, tried)) == "trained"
    assert tried == [12, 6, 3]
    assert "s: out of memory with 12 rows a pass; 6 from now on" in capsys.readouterr().err
    tried.clear()
    assert held(tmp_path, 12, None, "s", holding(3, tried)) == "trained"
    assert tried == [3], "the next start does not try again"


def test_what_was_found_is_cut_to_the_rows_that_other_processes_leave(tmp_path, monkeypatch):
    tried = []
    held(tmp_path, 12, None, "s", holding(3, tried))
    monkeypatch.setenv("WORLD_SIZE", "3")  # 4 rows each, of which 3 is no divisor
    held(tmp_path, 12, None, "s", holding(3, tried))
    monkeypatch.setenv("WORLD_SIZE", "12")
    held(tmp_path, 12, None, "s", holding(3, tried))
    assert tried == [12, 6, 3, 2, 1]


def test_what_cannot_be_halved_is_an_error_and_other_errors_pass(tmp_path):
    with pytest.raises(LetheError, match=r"^s: out of memory with 1 rows a pass, which cannot be"):
        held(tmp_path / "a", 12, 1, "s", holding(0, []))
    with pytest.raises(LetheError, match="out of memory with 3 rows a pass, which"):
        (tmp_path / "b").mkdir()
        held(tmp_path / "b", 12, None, "s", holding(0, []), least=2)

    def broken(micro):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        held(tmp_path, 12, None, "s", broken)

    def large(micro):
        raise RuntimeError("CUDA out of memory while the weights are loaded")

    with pytest.raises(RuntimeError, match="loaded"):  # smaller passes would not help
        held(tmp_path, 12, None, "s", large)
    assert not (tmp_path / "micro_batch.json").exists()


def test_one_of_several_processes_cannot_go_on_by_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    tried = []
    with pytest.raises(LetheError, match="6 rows a pass; 3 from now on: run the same command"):
        held(tmp_path, 12, None, "s", holding(3, tried))
    assert json.loads((tmp_path / "micro_batch.json").read_text()) == {"micro_batch": 3}
    assert held(tmp_path, 12, None, "s", holding(3, tried)) == "trained" and tried == [6, 3]


@pytest.mark.parametrize("which", ["rebo", "npo", "rejection_steering", "kto"])
def test_a_stage_that_runs_out_of_memory_ends_in_the_weights_of_smaller_passes(
    which, lab, settings, tmp_path, monkeypatch, capsys
):
    """Memory is short in the second step of a whole pass: it is gone on with from there."""
    import torch

    from lethe import model as models
    from lethe import plug

    small = {"learning_rate": 3e-3, "batch_size": 4}
    if which == "rebo":
        config = settings(beta=0.0)
    else:
        own = {} if which == "rejection_steering" else {"eval_every": 2, "save_every": 2}
        config = plug.member("stage", which, "Config")(stage=which, epochs=2, **small, **own)
    stage = plug.resolve("stage", which)
    batch = 12 if which == "rebo" else 4
    nets = {}
    for name, short in (("whole", False), ("short", True)):
        out = tmp_path / name
        out.mkdir()
        real, count = torch.Tensor.backward, [0]

        def backward(self, *args, real=real, count=count, short=short, out=out, **kwargs):
            count[0] += 1
            if short and count[0] == 2 and not (out / "micro_batch.json").exists():
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            return real(self, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(torch.Tensor, "backward", backward)
            stage.train(config, lab.full, lab.lessons(), out, 0)
        nets[name] = models.load(out / "model", lab.full.spec)
    assert (
        f"out of memory with {batch} rows a pass; {batch // 2} from now" in capsys.readouterr().err
    )
    pairs = zip(nets["whole"].parameters(), nets["short"].parameters(), strict=True)
    close = 1e-4 if which != "kto" else 1e-1  # KTO's KL is another estimate in smaller passes
    assert all(torch.allclose(a, b, atol=close) for a, b in pairs)
