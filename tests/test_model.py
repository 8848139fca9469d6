import json
import shutil

import pytest

from lethe import config
from lethe import model as models
from lethe.locate import TOKENIZERS, is_adapter, locate, on_the_hub
from lethe.plug import LetheError

CHAT = (
    "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
WORDS = "Who is Bo ? Question : Answer <user> <system> <assistant>".split()


def tokenizer_in(folder, *, template=None, adds_bos=True, adds_eos=False, pad=True):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<unk>", "<s>", "</s>", "<pad>", *WORDS]
    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(":", "isolated")]
    )
    around = ["<s>"] * adds_bos + ["$A"] + ["</s>"] * adds_eos
    made.post_processor = processors.TemplateProcessing(
        single=" ".join(around), special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    named = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    if pad:
        named["pad_token"] = "<pad>"
    fast = PreTrainedTokenizerFast(tokenizer_object=made, **named)
    fast.chat_template = template
    fast.save_pretrained(folder)
    return folder


def llama_in(folder, seed=0):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    shape = LlamaConfig(
        vocab_size=16,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "model"
    return tokenizer_in(llama_in(folder), template=CHAT)


@pytest.fixture
def copy(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "copy")


def spec(path, **settings):
    return config.Model(path=str(path), **settings)


LORA = config.Lora(rank=2, alpha=4)


# -------------------------------------------------------------------------------------- finding


def test_locate_gives_a_good_folder_a_hub_id_and_an_embedded_model_back(tiny):
    assert locate(spec(tiny)) == str(tiny)
    for name in ("gpt2", "meta-llama/Meta-Llama-3-8B-Instruct", "world:0"):
        assert locate(spec(name)) == name


def test_locate_accepts_weights_in_shards(copy):
    sharded("1")(copy)
    assert locate(spec(copy)) == str(copy)


def test_locate_does_not_import_torch(tiny):
    import subprocess
    import sys

    code = (
        "import sys; from lethe import config, locate;"
        f"locate.locate(config.Model(path={str(tiny)!r}));"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def remove(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def rename(old, new):
    return lambda folder: (folder / old).rename(folder / new)


def cut(name, size):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def sharded(*shards):
    def damage(folder):
        index = {"weight_map": {name: f"model-{name}.safetensors" for name in shards}}
        (folder / "model.safetensors").rename(folder / "model-1.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "copy: no such folder"),
        (remove("config.json"), "copy: no config.json: not a model folder"),
        (cut("config.json", 20), "copy/config.json: not JSON: "),
        (remove("model.safetensors"), "copy: no weights: model.safetensors is missing"),
        (
            rename("model.safetensors", "pytorch_model.bin"),
            "copy: only pickle weights (pytorch_model.bin), which can run code",
        ),
        (sharded("1", "2"), "copy: no weights: model-2.safetensors is missing"),
        (sharded(), "copy/model.safetensors.index.json: weight_map: missing"),
        (cut("model.safetensors", 2000), "copy/model.safetensors: broken or cut short: "),
        (cut("model.safetensors", 0), "copy/model.safetensors: broken or cut short: "),
        (remove("tokenizer.json"), "copy: no tokenizer: none of tokenizer.json"),
    ],
)
def test_a_damaged_folder_is_refused_with_what_is_wrong(copy, damage, message):
    damage(copy)
    with pytest.raises(LetheError) as error:
        locate(spec(copy))
    assert str(error.value).startswith(str(copy.parent / message))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"freeze": ["embed_token", "layer.0."]}, "model.freeze: 'layer.0.' is no part of a name"),
        ({"lora": {"targets": ["q_proj", "k_prj"]}}, "'k_prj' is no part of a name in the weights"),
        ({"lora": {"targets": ["k_prj"]}}, "did you mean k_proj? choices: "),
    ],
)
def test_layers_that_are_not_there_are_refused_at_once(tiny, settings, message):
    with pytest.raises(LetheError) as caught:
        locate(config.Model.model_validate({"path": str(tiny), **settings}))
    assert message in str(caught.value)


@pytest.mark.parametrize("lora", [None, {"targets": "all-linear"}, {"targets": ["o_proj"]}])
def test_layers_that_are_there_are_found(tiny, lora):
    frozen = [] if lora else ["embed_tokens", "layers.0."]
    spec = config.Model.model_validate({"path": str(tiny), "lora": lora, "freeze": frozen})
    assert locate(spec) == str(tiny)


@pytest.mark.parametrize(
    ("dtype", "lora", "trainable", "cuda", "expected"),
    [
        ("auto", False, True, False, "float32"),
        ("auto", False, False, True, "bfloat16"),
        ("auto", False, True, True, "float32"),
        ("auto", True, True, True, "bfloat16"),
        ("bfloat16", False, True, True, "bfloat16"),
        ("bfloat16", False, False, False, "bfloat16"),
    ],
)
def test_what_is_trained_in_full_is_not_loaded_in_half(dtype, lora, trainable, cuda, expected):
    spec = config.Model(path="m", dtype=dtype, lora=config.Lora() if lora else None)
    assert models.dtype(spec, trainable=trainable, cuda=cuda) == expected


def test_bfloat16_would_swallow_small_steps():
    """Why: steps as small as the released ones leave bfloat16 weights where they were."""
    import torch

    moved = {}
    for kind in (torch.float32, torch.bfloat16):
        weight = torch.nn.Parameter((0.02 * torch.randn(1000)).to(kind))
        before = weight.detach().clone()
        steps = torch.optim.AdamW([weight], lr=2e-6, weight_decay=0.0)
        for _ in range(20):
            weight.grad = torch.ones_like(weight)
            steps.step()
        moved[kind] = (weight.detach() != before).float().mean().item()
    assert moved[torch.float32] > 0.99 and moved[torch.bfloat16] < 0.2


def test_a_file_a_lost_chat_template_and_a_wrong_path_are_refused(tiny, tmp_path):
    with pytest.raises(LetheError, match=r"config\.json: is a file; give its folder"):
        locate(spec(tiny / "config.json"))
    with pytest.raises(LetheError, match=r"gone\.jinja: no such chat template file"):
        locate(spec(tiny, chat_template=tmp_path / "gone.jinja"))
    for path in ("./gone", "a/b/c", "~/no/such"):
        with pytest.raises(LetheError, match="no such folder"):
            locate(spec(path))


def test_an_adapter_in_the_home_folder_is_as_local_as_its_base(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()
    for base, hub in ((str(tiny), False), ("org/name", True)):
        file = tmp_path / "mine" / "adapter_config.json"
        file.write_text(json.dumps({"base_model_name_or_path": base}))
        assert on_the_hub("~/mine") is hub
    assert on_the_hub("org/name") and not on_the_hub("world:3") and not on_the_hub(str(tiny))


def test_a_revision_is_a_hub_models(tiny, tmp_path):
    for path in (tiny, "world:0"):
        with pytest.raises(LetheError, match=r"^model\.revision: 'v1' is of a Hub model, but "):
            locate(spec(path, revision="v1"))
    assert locate(spec("org/name", revision="v1")) == "org/name"
    net = models.load(tiny, spec(tiny, lora=LORA), trainable=True)
    models.save(net, models.tokenizer(tiny, spec(tiny)), tmp_path / "adapter")
    with pytest.raises(LetheError, match="'v1' is of a Hub model"):
        locate(spec(tmp_path / "adapter", revision="v1"))
    file = tmp_path / "adapter" / "adapter_config.json"
    shape = json.loads(file.read_text())
    file.write_text(json.dumps({**shape, "base_model_name_or_path": "org/name"}))
    assert locate(spec(tmp_path / "adapter", revision="v1"))


def test_what_quantised_weights_need_is_said_at_once(tiny, monkeypatch):
    import importlib.util

    with pytest.raises(ValueError, match="quantization: nf4 weights cannot be trained themselves"):
        spec(tiny, quantization="nf4")
    found = importlib.util.find_spec
    few = spec(tiny, quantization="int8", lora=LORA)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LetheError, match=r"int8 needs bitsandbytes: pip install bitsandbytes"):
        locate(few)
    flash = spec(tiny, attention="flash_attention_2")
    with pytest.raises(LetheError, match="needs flash-attn or kernels: pip install flash-attn"):
        locate(flash)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "kernels" or found(name))
    assert locate(flash) == str(tiny)


def test_quantised_weights_are_not_loaded_without_a_gpu(tiny):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(LetheError, match=r"model\.quantization: nf4 needs a CUDA GPU"):
        models.load(tiny, spec(tiny, quantization="nf4", lora=LORA))


# -------------------------------------------------------------------------------------- loading


@pytest.mark.parametrize("attention", ["eager", "sdpa", "flex_attention"])
def test_attention_is_computed_as_asked(tiny, attention):
    asked = spec(tiny, attention=attention, lora=LORA)
    for trainable in (False, True):
        net = models.load(tiny, asked, trainable=trainable)
        assert net.config._attn_implementation == attention


def test_load_knows_its_path_is_in_eval_mode_and_float32_on_the_cpu(tiny):
    import torch

    net = models.load(tiny, spec(tiny))
    assert not net.training
    assert net.config._name_or_path == str(tiny)
    if not torch.cuda.is_available():
        assert net.dtype == torch.float32
    assert models.load(tiny, spec(tiny, dtype="bfloat16")).dtype == torch.bfloat16


def test_a_model_that_cannot_be_loaded_is_one_line_with_its_path(copy):
    cut("model.safetensors", 2000)(copy)
    with pytest.raises(LetheError, match="copy: cannot be loaded: "):
        models.load(copy, spec(copy))
    with pytest.raises(LetheError, match="no-such-org/none: cannot be loaded: "):
        models.load("no-such-org/none", spec("no-such-org/none"))
    with pytest.raises(LetheError, match="no-such-org/none: cannot be loaded: "):
        models.tokenizer("no-such-org/none", spec("no-such-org/none"))


def test_code_that_comes_with_a_model_is_not_run(copy):
    settings = json.loads((copy / "config.json").read_text())
    settings |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.C"}}
    (copy / "config.json").write_text(json.dumps(settings))
    (copy / "mine.py").write_text("raise SystemExit('ran')")
    with pytest.raises(LetheError, match="copy: cannot be loaded: "):
        models.load(copy, spec(copy))


def test_saved_and_loaded_weights_are_the_same(tiny, tmp_path):
    import torch

    net = models.load(tiny, spec(tiny))
    models.save(net, models.tokenizer(tiny, spec(tiny)), tmp_path / "a" / "out")
    again = locate(spec(tmp_path / "a" / "out"))
    for one, two in zip(
        net.parameters(), models.load(again, spec(again)).parameters(), strict=True
    ):
        assert torch.equal(one, two)
    assert not list((tmp_path / "a" / "out").glob("*.bin"))
    (tmp_path / "file").touch()
    with pytest.raises(LetheError, match="cannot be written"):
        models.save(net, models.tokenizer(tiny, spec(tiny)), tmp_path / "file" / "out")


def test_lora_trains_an_adapter_which_loads_over_its_base(tiny, tmp_path):
    import torch

    with_lora = spec(tiny, lora=LORA, dtype="float32")
    net = models.load(tiny, with_lora, trainable=True)
    learns = {name for name, p in net.named_parameters() if p.requires_grad}
    assert learns and all("lora_" in name for name in learns)
    with torch.no_grad():
        for name, p in net.named_parameters():
            if "lora_B" in name:
                p.fill_(0.5)
    ids = torch.tensor([[1, 4, 5, 6]])
    expected = net.to("cpu")(ids).logits
    out = tmp_path / "adapter"
    models.save(net, models.tokenizer(tiny, with_lora), out)
    assert is_adapter(out) and not is_adapter(tiny)
    assert not (out / "model.safetensors").exists()
    assert locate(spec(out)) == str(out)

    merged = models.load(out, with_lora)
    assert type(merged).__name__ == "LlamaForCausalLM"
    torch.testing.assert_close(merged.to("cpu")(ids).logits, expected)
    over = models.load(tiny, with_lora, adapter=out)
    torch.testing.assert_close(over.to("cpu")(ids).logits, expected)
    plain = models.load(tiny, with_lora)
    assert not torch.allclose(plain.to("cpu")(ids).logits, expected, atol=1e-3)

    resumed = models.load(out, with_lora, trainable=True)
    assert {name for name, p in resumed.named_parameters() if p.requires_grad} == learns
    with pytest.raises(LetheError, match=r"is an adapter; set model\.lora"):
        models.load(out, spec(tiny), trainable=True)


def test_an_adapter_finds_its_base_from_another_folder(copy, tmp_path, monkeypatch):
    monkeypatch.chdir(copy.parent)
    spec = config.Model.model_validate({"path": copy.name, "lora": {"rank": 2}})
    net = models.load(locate(spec), spec, trainable=True)
    models.save(net, models.tokenizer(copy.name, spec), tmp_path / "adapter")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    there = config.Model(path=str(tmp_path / "adapter"))
    assert models.load(locate(there), there).config.hidden_size == net.config.hidden_size


def test_an_adapter_is_refused_with_its_weights_or_base_gone(copy, tmp_path):
    with_lora = spec(copy, lora=LORA)
    out = tmp_path / "adapter"
    net = models.load(copy, with_lora, trainable=True)
    models.save(net, models.tokenizer(copy, with_lora), out)
    for name in TOKENIZERS:
        (out / name).unlink(missing_ok=True)
    assert models.tokenizer(out, with_lora).pad_token == "<pad>"
    (copy / "config.json").unlink()
    with pytest.raises(LetheError, match=r"copy: no config\.json"):
        locate(spec(out))
    (out / "adapter_model.safetensors").unlink()
    with pytest.raises(LetheError, match=r"no weights: adapter_model\.safetensors is missing"):
        locate(spec(out))


def test_unknown_lora_targets_are_a_short_error(tiny):
    wrong = spec(tiny, lora=config.Lora(rank=2, targets=["nope"]))
    with pytest.raises(LetheError, match=r"model\.lora\.targets: .*nope"):
        models.load(tiny, wrong, trainable=True)


# ------------------------------------------------------------------------ tokenizer, rendering


def test_tokenizer_pads_left_and_takes_a_chat_template_from_a_file(tiny, tmp_path):
    made = models.tokenizer(tiny, spec(tiny))
    assert (made.padding_side, made.pad_token) == ("left", "<pad>")
    file = tmp_path / "mine.jinja"
    file.write_text("{{ messages[0]['content'] }} Answer", encoding="utf-8")
    mine = models.tokenizer(tiny, spec(tiny, chat_template=file))
    assert mine.decode(models.render(mine, "Who is Bo")) == "Who is Bo Answer"


def test_a_tokenizer_without_pad_token_pads_with_end_of_sequence(tmp_path):
    folder = tokenizer_in(llama_in(tmp_path / "m"), pad=False)
    assert models.tokenizer(folder, spec(folder)).pad_token == "</s>"


def test_render_uses_the_chat_template_with_one_bos(tiny):
    made = models.tokenizer(tiny, spec(tiny))
    ids = models.render(made, "Who is Bo")
    assert made.convert_ids_to_tokens(ids) == "<s> <user> Who is Bo </s> <assistant>".split()
    chat = [{"role": "system", "content": "Bo"}, {"role": "user", "content": "Who ?"}]
    tokens = made.convert_ids_to_tokens(models.render(made, chat))
    assert tokens == "<s> <system> Bo </s> <user> Who ? </s> <assistant>".split()


def test_render_takes_a_second_bos_away(tiny, tmp_path):
    file = tmp_path / "double.jinja"
    file.write_text("<s> <s> {{ messages[0]['content'] }}", encoding="utf-8")
    made = models.tokenizer(tiny, spec(tiny, chat_template=file))
    assert made.convert_ids_to_tokens(models.render(made, "Bo")) == ["<s>", "Bo"]


@pytest.mark.parametrize(("adds_bos", "adds_eos"), [(True, False), (False, False), (True, True)])
def test_render_of_a_base_model_is_plain_text(tmp_path, adds_bos, adds_eos):
    folder = tokenizer_in(llama_in(tmp_path / "m"), adds_bos=adds_bos, adds_eos=adds_eos)
    made = models.tokenizer(folder, spec(folder))
    tokens = made.convert_ids_to_tokens(models.render(made, "Who is Bo ?"))
    assert tokens == ["<s>"] * adds_bos + "Question : Who is Bo ? Answer :".split()


def test_plain_text_of_a_chat():
    chat = [("system", "Be brief."), ("user", "Who?"), ("assistant", "Bo."), ("user", "Why?")]
    messages = [{"role": role, "content": content} for role, content in chat]
    assert models.plain(messages) == (
        "Be brief.\nQuestion: Who?\nAnswer: Bo.\nQuestion: Why?\nAnswer:"
    )
    with pytest.raises(LetheError, match="role 'tool': "):
        models.plain([{"role": "tool", "content": "x"}])
