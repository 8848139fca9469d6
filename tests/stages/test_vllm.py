"""Rollouts by vLLM: what is refused, and TRL's real code around a stand-in for vLLM's server.

The stand-in has the interface of TRL's client of a vLLM server. It samples with transformers from
a model of its own, which changes only by the weights that TRL sends it. vLLM itself is not run.
"""

import importlib.util
import inspect
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from trl.generation.vllm_client import VLLMClient
from trl.generation.vllm_generation import VLLMGeneration
from trl.trainer.grpo_config import GRPOConfig

from lethe import model as models
from lethe.generate import sample
from lethe.plug import LetheError
from lethe.stages import _vllm, rebo
from lethe.stages._vllm import Vllm

NAMES = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")
SHOW = '''"""A reward."""

def told(completions, **columns):
    """1 for a reply that a row shows, 0 for all else."""
    known = {"I cannot say that", "I don't know", "Oslo"}
    return [float(text[0]["content"] in known) for text in completions]
'''


class Served:
    """Stands where TRL's client of a vLLM server stands."""

    def __init__(self, start):
        self.model = models.load(start.original, start.spec)
        self.asked, self.said, self.synced = [], [], 0
        self.noise = 0.0
        self.seed = lambda: 0

    def init_communicator(self, device):
        pass

    def get_server_info(self):
        return {"model_config": {"logprobs_mode": "processed_logprobs"}}

    def update_named_params(self, metadata, named_params):
        own = dict(self.model.named_parameters())
        announced, noise = iter(metadata), torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, weight in named_params:  # as they come: an adapter is merged only meanwhile
                assert next(announced)[0] == name
                drift = torch.randn(weight.shape, generator=noise)
                own.pop(name).copy_(weight + self.noise * drift)
        assert not own
        self.synced += 1

    def reset_prefix_cache(self):
        pass

    def generate(self, prompts, features=None, n=1, temperature=1.0, max_tokens=16, **rest):
        assert features is None and rest["logprobs"] == 0
        each = [prompt for prompt in prompts for _ in range(n)]
        replies = sample(
            self.model, each, stop=[2], pad=0, max_new_tokens=max_tokens,
            temperature=temperature, seed=self.seed(),
        )  # fmt: skip
        self.asked.append(prompts)
        self.said += zip(map(tuple, each), map(tuple, replies), strict=True)
        scores = [
            [[value] for value in logps(self.model, prompt, reply, temperature).tolist()]
            for prompt, reply in zip(each, replies, strict=True)
        ]
        ids = [[[token] for token in reply] for reply in replies]
        return {
            "prompt_ids": prompts,
            "completion_ids": replies,
            "logprobs": scores,
            "logprob_token_ids": ids,
        }


def logps(model, prompt, reply, temperature):
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, *reply]])).logits[0, len(prompt) - 1 : -1]
    scores = torch.log_softmax(logits / temperature, -1)
    return scores.gather(1, torch.tensor(reply)[:, None])[:, 0]


@pytest.fixture
def served(trainer, monkeypatch):
    """`served(settings, checkpoint)`: a trainer whose vLLM server is the stand-in."""

    def make(config, start):
        client = Served(start)
        monkeypatch.setattr(
            VLLMGeneration, "_init_vllm", lambda self: setattr(self, "vllm_client", client)
        )
        made = trainer(config, start)
        client.seed = lambda: (made.args.seed << 20) + made.state.global_step + (made.round << 54)
        assert made.use_vllm and not made.fast and isinstance(made.vllm_generation, VLLMGeneration)
        return made, client

    return make


@pytest.fixture
def shown(tmp_path):
    file = tmp_path / "told.py"
    file.write_text(SHOW)
    return {"rewards": {str(file): 1.0}}


def batch(made, index=0):
    sampler = made._get_train_sampler()
    group = made.settings.num_generations
    return [dict(made.train_dataset[i]) for i in sampler.batch(index) for _ in range(group)]


def pairs(output):
    """Prompt and completion of each row, without padding."""
    rows = zip(*(output[name] for name in NAMES), strict=True)
    return [(tuple(p[pm.bool()].tolist()), tuple(c[cm.bool()].tolist())) for p, pm, c, cm in rows]


def learn(made, output):
    """Loss, and the gradient of every trained weight."""
    made.model.train()
    loss = made._compute_loss(made.model, output)
    loss.backward()
    grads = {n: w.grad.clone() for n, w in made.model.named_parameters() if w.grad is not None}
    made.model.zero_grad()
    return loss.item(), grads


# ------------------------------------------------------------- TRL's code around the stand-in

ROUNDS = {"prompt_choice": "adaptive", "kl_scope": "boundary", "num_generations": 2, "resample": 3}


@pytest.mark.parametrize("start", ["full", "lora"])
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"guidance": "demonstration"},
        {"resample": 2, "advantage_estimator": "reinforce_pp"},
        {"num_iterations": 2, "guidance": "demonstration"},
        {**ROUNDS, "temperature": 0.7},
        {"guidance": "demonstration", "vllm": {"importance_correction": False}},
    ],
    ids=["plain", "shown", "rounds", "shown-twice", "everything", "uncorrected"],
)
def test_a_step_is_that_of_transformers_when_the_server_says_the_same(
    lab, settings, served, trainer, shown, start, changed
):
    paid = shown if "guidance" in changed else {}
    start = getattr(lab, start)
    plain = trainer(settings(**{k: v for k, v in changed.items() if k != "vllm"}, **paid), start)
    made, client = served(settings(rollout="vllm-server", **changed, **paid), start)
    expected = plain._generate_and_score_completions(batch(plain))
    found = made._generate_and_score_completions(batch(made))
    assert plain.fast and client.synced == 1
    assert pairs(found) == pairs(expected)
    assert ("shown" in found) == ("shown" in expected) == ("guidance" in changed)
    assert [row["id"] for row in made.inputs] == [row["id"] for row in plain.inputs]
    torch.testing.assert_close(found["advantages"], expected["advantages"])
    (loss, grads), (theirs, wanted) = learn(made, found), learn(plain, expected)
    assert loss == pytest.approx(theirs, abs=1e-5) and grads.keys() == wanted.keys()
    for name, grad in grads.items():
        torch.testing.assert_close(grad, wanted[name], atol=2e-5, rtol=2e-3)
    assert max(grad.abs().max() for grad in grads.values()) > 1e-3


def test_training_syncs_every_step_and_ends_in_the_same_weights(lab, settings, served, trainer):
    plain = trainer(settings(resample=1, num_generations=2), lab.full)
    made, client = served(settings(rollout="vllm-server", resample=1, num_generations=2), lab.full)
    plain.train()
    made.train()
    assert client.synced == 4 and plain.state.global_step == made.state.global_step == 4
    before = dict(models.load(lab.steered, lab.full.spec).named_parameters())
    ends = zip(made.model.named_parameters(), plain.model.parameters(), strict=True)
    for (name, ours), theirs in ends:
        torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=1e-3)
        assert (ours - before[name]).abs().max() > 1e-3


def test_the_server_is_asked_once_a_group_and_rows_keep_their_own_completions(
    lab, settings, served
):
    made, client = served(settings(rollout="vllm-server", resample=3, num_generations=2), lab.full)
    changed = 0
    for step in range(4):
        made.state.global_step = step
        inputs = batch(made, step)
        before = [row["id"] for row in inputs]
        output = made._generate_and_score_completions(inputs)
        changed += before != [row["id"] for row in inputs]
        words = made.processing_class
        asked = [tuple(models.render(words, row["prompt"])) for row in inputs]
        assert [prompt for prompt, _ in pairs(output)] == asked
        assert set(pairs(output)) <= set(client.said)
    assert changed, "no round replaced a group"
    assert client.synced == 4  # rounds of one step ask the same weights
    assert len(client.asked[0]) == 4 and sum(map(len, client.asked)) * 2 == made.rollouts


@pytest.mark.parametrize("mode", ["sequence_mask", "token_truncate"])
def test_a_shown_reply_is_weighed_by_one_and_the_others_by_the_engine(
    lab, settings, served, shown, mode
):
    extra = {"vllm_importance_sampling_mode": mode, "vllm_importance_sampling_clip_max": 1e9}
    made, client = served(
        settings(rollout="vllm-server", guidance="demonstration", trainer=extra, **shown), lab.full
    )
    client.noise = 0.02
    output = made._generate_and_score_completions(batch(made))
    assert output["shown"].tolist() == [False, False, True] * 4
    ratio, mask = output["importance_sampling_ratio"], output["completion_mask"].bool()
    assert torch.equal(ratio[output["shown"]], torch.ones_like(ratio[output["shown"]]))
    policy = models.load(lab.steered, lab.full.spec)
    for i in (0, 1, 3, 10):
        prompt, reply = pairs(output)[i]
        apart = logps(policy, prompt, reply, 1.0) - logps(client.model, prompt, reply, 1.0)
        wanted = apart.sum()[None].exp() if mode == "sequence_mask" else apart.exp()
        own = ratio[i] if mode == "sequence_mask" else ratio[i][mask[i]]
        torch.testing.assert_close(own, wanted, atol=1e-4, rtol=1e-4)
        assert (own - 1).abs().max() > 1e-3
    loss, grads = learn(made, output)
    assert loss == loss and all(grad.isfinite().all() for grad in grads.values())


def test_a_group_of_two_prompts_is_refused_where_trl_would_mix_them_up(lab, settings, served):
    made, client = served(settings(rollout="vllm-server"), lab.full)
    two = [[1, 4, 7, 5], [1, 4, 8, 5]]
    made.vllm_generation.generate(prompts=two, images=None, num_generations=2)
    assert client.asked == [[two[0]]]  # what TRL does with such a group: the second is not asked
    with pytest.raises(RuntimeError, match="rollout 1 has another prompt than rollout 0"):
        made._generate_single_turn(two, None, {}, 2)
    with pytest.raises(RuntimeError, match="3 rollouts are no whole groups of 2"):
        made._generate_single_turn([two[0], two[0], two[1]], None, {}, 2)


@pytest.mark.parametrize("start", ["full", "lora", "fresh_lora"])
def test_a_colocated_engine_finds_the_policys_weights_on_disk(lab, settings, trainer, start):
    """TRL starts it from there; an adapter's is its base's, and TRL sends what it merges."""
    made = trainer(settings(reference="original"), getattr(lab, start))
    folder = made.model.name_or_path
    assert folder in (lab.original, lab.steered)


TWO = """
import sys
from accelerate import Accelerator
from accelerate.utils import gather_object
from trl.generation.vllm_generation import VLLMGeneration
from lethe import process
from lethe.stages import _vllm

class Client:
    def generate(self, prompts, features, n, **rest):
        replies = [[ids[0], k] for ids in prompts for k in range(n)]
        scores = [[[0.0]] * 2 for _ in replies]
        return {"prompt_ids": prompts, "completion_ids": replies, "logprobs": scores}

VLLMGeneration._init_vllm = lambda self: setattr(self, "vllm_client", Client())
here = Accelerator(cpu=True)
made = VLLMGeneration(None, here, None, mode="server")
# Three groups of two over two processes: the second group lies in both.
prompts = [[[7], [7], [8, 8]], [[8, 8], [9], [9]]][here.process_index]
_vllm.check_groups(gather_object(prompts), 2)
found = made.generate(prompts, None, 2)
assert found[0] == prompts, found
assert found[1] == [[[7, 0], [7, 1], [8, 0]], [[8, 1], [9, 0], [9, 1]]][here.process_index], found
try:
    _vllm.check_groups(gather_object([[here.process_index]] * 3), 2)
except RuntimeError as error:
    print(error)
process.leave()
"""


@pytest.mark.slow
def test_each_of_two_processes_gets_the_completions_of_its_own_prompts(tmp_path):
    (tmp_path / "two.py").write_text(TWO)
    many = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ran = subprocess.run(
        [sys.executable, *many, str(tmp_path / "two.py")],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    said = "rollout 3 has another prompt than rollout 2, and both are of one group of 2"
    assert ran.stdout.count(said) == 2  # both processes stop, and neither waits


# ------------------------------------------------------------------------------ TRL's contract


def test_trl_takes_the_names_and_has_the_defaults():
    fields = GRPOConfig.__dataclass_fields__
    told = _vllm.arguments("vllm-colocate", Vllm())
    assert set(told) == _vllm.OWNED
    for name, value in told.items():
        if name not in ("use_vllm", "vllm_server_base_url"):
            assert fields[name].default == value, name
    assert fields["vllm_importance_sampling_mode"].default == "sequence_mask"
    assert fields["vllm_server_base_url"].default is None  # theirs is http://0.0.0.0:8000


def test_the_hooks_of_trl_around_vllm_are_those_that_were_read():
    def names(function):
        return list(inspect.signature(function).parameters)[1:]

    assert names(VLLMGeneration.generate) == ["prompts", "images", "num_generations", "profiler"]
    assert names(VLLMGeneration.sync_weights) == names(VLLMGeneration._init_vllm) == []
    assert names(VLLMClient.update_named_params) == ["metadata", "named_params"]
    assert names(VLLMClient.generate)[:3] == ["prompts", "features", "n"]
    from trl.import_utils import is_vllm_available

    source = inspect.getsource(is_vllm_available)
    assert all(f'Version("{version}")' in source for version in _vllm.SUPPORTED)


# ----------------------------------------------------------------------------- what is refused


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """`installed("0.30.0", "requests")`: empty packages of vLLM's and other names can be found."""

    def make(version, *others):
        site = tmp_path / version
        for name in ("vllm", *others):
            (site / name).mkdir(parents=True)
            (site / name / "__init__.py").touch()
        info = site / f"vllm-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")
        monkeypatch.syspath_prepend(str(site))

    return make


def refused(settings, rows, **changed):
    with pytest.raises(LetheError) as error:
        rebo.validate(settings(**changed), rows, "r")
        rebo.installed(settings(**changed), "r")
    return str(error.value)


def test_vllm_must_be_there(lab, settings):
    if importlib.util.find_spec("vllm"):
        pytest.skip("vLLM is installed")
    for rollout in ("vllm-colocate", "vllm-server"):
        message = refused(settings, lab.lessons(), rollout=rollout)
        assert message.startswith(f"r.rollout: {rollout} needs vLLM, which is not installed here")
        assert 'pip install "lethe-unlearn[vllm]"' in message


@pytest.mark.parametrize("version", ["0.21.0", "0.32.0", "1.0.0"])
def test_a_version_that_trl_does_not_know_is_refused(lab, settings, installed, version):
    installed(version)
    message = refused(settings, lab.lessons(), rollout="vllm-colocate")
    assert f"vLLM {version} is installed, and TRL knows 0.22.0 to 0.31.0" in message


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rollout": "transformers", "vllm": {"sleep": True}},
         "r.vllm.sleep: is read by rollout vllm-colocate alone, and it is transformers"),
        ({"rollout": "vllm-server", "vllm": {"memory_share": 0.5}},
         "r.vllm.memory_share: is read by rollout vllm-colocate alone"),
        ({"rollout": "vllm-colocate", "vllm": {"server_url": "http://a:1"}},
         "r.vllm.server_url: is read by rollout vllm-server alone"),
        ({"vllm": {"importance_correction": False}},
         "is read by rollout vllm-colocate and vllm-server alone"),
        ({"rollout": "vllm-colocate", "vllm": {"tensor_parallel": 2}},
         "r.vllm.tensor_parallel: 2 does not divide the 1 training processes; choices: 1"),
        ({"rollout": "vllm-colocate", "trainer": {"generation_kwargs": {"seed": 1}}},
         "r.trainer.generation_kwargs.seed: is not for you to set"),
        ({"rollout": "vllm-colocate", "trainer": {"loss_type": "vespo"}},
         "'sequence_mask' does not go with loss_type vespo; choices: token_mask"),
        ({"rollout": "vllm-server", "advantage_estimator": "ppo"},
         "r.rollout: vllm-server cannot take the value head"),
        ({"trainer": {"use_vllm": True}}, "r.trainer: use_vllm: set it in the stage itself"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(lab, settings, installed, changed, message):
    installed("0.30.0")
    assert message in refused(settings, lab.lessons(), **changed)


def test_the_client_of_a_server_must_be_there(lab, settings, installed):
    installed("0.30.0")
    rebo.installed(settings(rollout="vllm-colocate"), "r")
    if importlib.util.find_spec("requests"):
        pytest.skip("requests is installed")
    message = refused(settings, lab.lessons(), rollout="vllm-server")
    assert message.startswith("r.rollout: vllm-server needs requests, which is not installed")


def test_what_can_work_is_not(lab, settings, installed, monkeypatch):
    installed("0.30.0+cu129", "requests")
    rows = lab.lessons()
    vespo = {"loss_type": "vespo", "vllm_importance_sampling_mode": "token_truncate"}
    for changed in (
        {"rollout": "vllm-server", "guidance": "demonstration", "resample": 1},
        {"rollout": "vllm-colocate", "vllm": {"sleep": True, "max_length": 512}},
        {"rollout": "vllm-colocate", "trainer": vespo},
    ):
        rebo.validate(settings(**changed), rows, "r")
        rebo.installed(settings(**changed), "r")
    monkeypatch.setenv("WORLD_SIZE", "6")
    rebo.validate(settings(rollout="vllm-colocate", vllm={"tensor_parallel": 3}), rows, "r")
    message = refused(settings, rows, rollout="vllm-colocate", vllm={"tensor_parallel": 4})
    assert message.endswith("choices: 1, 2, 3, 6")


def test_a_colocated_engine_cannot_take_a_revision(lab, settings):
    pinned = lab.full.spec.model_copy(update={"path": "some/model", "revision": "v1"})
    for rollout in ("transformers", "vllm-server"):
        rebo.check_model(settings(rollout=rollout), pinned, True, "r")
    with pytest.raises(LetheError, match=r"^r\.rollout: vllm-colocate starts from .*revision v1"):
        rebo.check_model(settings(rollout="vllm-colocate"), pinned, True, "r")


@pytest.mark.parametrize("url", ["localhost:8000", "http://", "http://a:8000/", "ftp://a"])
def test_an_address_is_a_whole_one_without_a_last_slash(url):
    with pytest.raises(ValueError, match="pattern"):
        Vllm(server_url=url)
    assert Vllm(server_url="http://a/b").server_url == "http://a/b"


def test_a_machine_without_cuda_is_told_before_weights_are_loaded(
    lab, settings, tmp_path, installed
):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    installed("0.30.0", "requests")
    with pytest.raises(LetheError, match="vllm-server needs a CUDA GPU, and there is none here"):
        rebo.train(settings(rollout="vllm-server"), lab.full, lab.lessons(), tmp_path / "o", 0)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.server.pages.get(self.path)
        self.send_response(200 if found is not None else 404)
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.pages = {"/health": b""}
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


def test_a_server_that_was_not_started_for_training_is_told(server):
    here = Vllm(server_url=f"http://127.0.0.1:{server.server_port}")
    start = 'VLLM_SERVER_DEV_MODE=1 vllm serve MODEL --weight-transfer-config \'{"backend": "nc'
    with pytest.raises(LetheError, match="the server takes no weights") as error:
        _vllm.check_server(here, "r")
    assert start in str(error.value)
    info = {"vllm_config": {"model_config": {"logprobs_mode": "raw_logprobs"}}}
    page = "/server_info?config_format=json"
    server.pages[page] = json.dumps(info).encode()
    with pytest.raises(LetheError, match=r"logprobs mode is raw_logprobs, and vllm\.import"):
        _vllm.check_server(here, "r")
    _vllm.check_server(here.model_copy(update={"importance_correction": False}), "r")
    server.pages[page] = json.dumps(info).replace("raw_", "processed_").encode()
    _vllm.check_server(here, "r")
    server.pages = {}
    with pytest.raises(LetheError, match=r"no vLLM server answers .*404"):
        _vllm.check_server(here, "r")


def test_no_server_is_told_at_once():
    with pytest.raises(LetheError, match=r"^r\.vllm\.server_url: http://127.0.0.1:9: no vLLM serv"):
        _vllm.check_server(Vllm(server_url="http://127.0.0.1:9"), "r")
