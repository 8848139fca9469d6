"""The model in memory: load, adapt, render prompts for, save. safetensors only.

`lethe.locate` has checked its folder before; `trust_remote_code` is off. A loaded model always
knows the path of its weights: TRL reloads the reference model from there. Embedded models
(`world:<seed>`) are turned into a folder by `lethe.world` before anything here sees them.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lethe import config
from lethe.locate import TOKENIZERS, base_of, is_adapter
from lethe.plug import LetheError, choices

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_TURNS = {"system": "", "user": "Question: ", "assistant": "Answer: "}


@dataclass(frozen=True)
class Checkpoint:
    """The model a stage starts from."""

    path: str
    """Folder or Hub id of the weights; may be an adapter folder."""
    original: str
    """Folder or Hub id of the weights before any stage."""
    spec: config.Model
    """How to load it."""


# -------------------------------------------------------------------------------------- loading


def load(
    path: str | Path,
    model: config.Model,
    *,
    adapter: str | Path | None = None,
    trainable: bool = False,
) -> "PreTrainedModel":
    """Load a causal language model in eval mode.

    Not trainable: on CUDA if there is one, with an adapter merged into the weights. Trainable: left
    where it is for the trainer to place; with `model.lora` the base is frozen and only an adapter
    (the one given, or a new one that changes nothing yet) learns.

    Args:
        path: Folder or Hub id; an adapter folder stands for its base with itself as adapter.
        model: dtype, revision (of a Hub model) and LoRA shape.
        adapter: An adapter folder to put over `path`.
        trainable: Whether it will be trained.

    Raises:
        LetheError: The files cannot be loaded, or full fine-tuning is asked of an adapter.
    """
    import torch
    from transformers import AutoModelForCausalLM

    path = str(path)
    if adapter is None and is_adapter(path):
        path, adapter = base_of(Path(path).expanduser()), path
    if adapter is not None and trainable and model.lora is None:
        raise LetheError(f"{adapter}: is an adapter; set model.lora to train it, or merge it first")
    name = dtype(model, trainable=trainable, cuda=torch.cuda.is_available())
    options: dict[str, Any] = {"dtype": getattr(torch, name), "use_safetensors": True}
    if model.attention != "auto":
        options["attn_implementation"] = model.attention
    if model.quantization:
        options |= _quantised(model.quantization)
    net = _pretrained(AutoModelForCausalLM, path, model, **options)
    net = _adapted(net, model, adapter, trainable)
    if trainable:
        _freeze(net, model.freeze)
    if torch.cuda.is_available() and not trainable and not model.quantization:
        net = net.to(_device())
    return net.eval()


def _device() -> "torch.device":
    """This process's GPU."""
    import torch

    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def _quantised(kind: str) -> dict[str, Any]:
    """How to load weights in few bits; they are put on this process's GPU at once.

    Not run here: there was no GPU.
    """
    import torch
    from transformers import BitsAndBytesConfig

    if not torch.cuda.is_available():
        raise LetheError(f"model.quantization: {kind} needs a CUDA GPU; choices: null")
    few: dict[str, Any] = {"load_in_8bit": True}
    if kind == "nf4":
        few = {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_compute_dtype": torch.bfloat16,
        }
    return {"quantization_config": BitsAndBytesConfig(**few), "device_map": {"": _device()}}


def skeleton(path: str | Path, model: config.Model) -> Any:
    """The model as it would be trained, with adapters and frozen parts, but without weights.

    Everything lies on the meta device; config.json alone is read.

    Args:
        path: Folder or Hub id; an adapter folder stands for its base.
        model: revision, LoRA shape, `freeze`.

    Raises:
        LetheError: The configuration cannot be loaded.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    path = str(path)
    if is_adapter(path):
        path = base_of(Path(path).expanduser())
    found = _pretrained(AutoConfig, path, model)
    with torch.device("meta"):
        net = AutoModelForCausalLM.from_config(found, trust_remote_code=False)
    net = _adapted(net, model, None, True)
    _freeze(net, model.freeze)
    return net


def dtype(model: config.Model, *, trainable: bool, cuda: bool) -> str:
    """The dtype to load in.

    AdamW's steps at usual learning rates are smaller than what bfloat16 can add to a weight: 4e-7
    moves one in two hundred. So weights that are all trained are float32 on CUDA too, under bf16
    autocast; beneath an adapter, which is float32 itself, bfloat16 does no harm.

    >>> dtype(config.Model(path="m"), trainable=True, cuda=True)
    'float32'
    >>> dtype(config.Model(path="m", lora=config.Lora()), trainable=True, cuda=True)
    'bfloat16'
    """
    if model.dtype != "auto":
        return model.dtype
    return "bfloat16" if cuda and not (trainable and model.lora is None) else "float32"


def _pretrained(auto, path: str, model: config.Model, **options) -> Any:
    """`auto.from_pretrained`, what the user can cause being one line with the path."""
    from safetensors import SafetensorError

    folder = Path(path).expanduser()
    if folder.is_dir():
        path = str(folder.resolve())  # an adapter remembers it, and may be loaded from elsewhere
    else:
        options["revision"] = model.revision
    try:
        return auto.from_pretrained(path, trust_remote_code=False, **options)
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise LetheError(f"{path}: cannot be loaded: {error}") from error


def _freeze(net: Any, parts: list[str]) -> None:
    """Keep parameters whose name contains one of `parts` as they are."""
    for part in parts:
        found = [weight for name, weight in net.named_parameters() if part in name]
        if not found:
            some = ", ".join(list(dict(net.named_parameters()))[:3])
            raise LetheError(
                f"model.freeze: {part!r} is in no parameter's name; there are {some} ..."
            )
        for weight in found:
            weight.requires_grad_(False)


def _adapted(net: Any, model: config.Model, adapter: str | Path | None, trainable: bool) -> Any:
    if adapter is not None:
        from peft import PeftModel

        net = PeftModel.from_pretrained(net, str(adapter), is_trainable=trainable)
        if model.quantization and not trainable:
            return net  # merged into few bits it would lose what it has learnt
        # Merged, all weights are alike again: what wants gradients of them (GradNorm) has them.
        return net if trainable else net.merge_and_unload().requires_grad_(True)
    if model.lora is None or not trainable:
        return net
    from peft import LoraConfig, get_peft_model

    targets = model.lora.targets
    if isinstance(targets, str) and targets.isidentifier():
        targets = [targets]  # PEFT takes a single text for a pattern of the whole path
    shape = LoraConfig(
        r=model.lora.rank,
        lora_alpha=model.lora.alpha,
        lora_dropout=model.lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(net, shape)
    except ValueError as error:
        raise LetheError(f"model.lora.targets: {error}") from error


def merged(path: str, model: config.Model) -> "PreTrainedModel":
    """The whole model of an adapter, or of adapters over one another, in its base's own dtype.

    Args:
        path: Folder or Hub id; one that is no adapter is the base.
        model: The revision of a Hub model.

    Raises:
        LetheError: The files cannot be loaded.
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    if not is_adapter(path):
        options = {"dtype": "auto", "use_safetensors": True}
        return _pretrained(AutoModelForCausalLM, path, model, **options)
    net = merged(base_of(Path(path)), model)
    return PeftModel.from_pretrained(net, path).merge_and_unload()  # pyright: ignore


def tokenizer(path: str | Path, model: config.Model) -> "PreTrainedTokenizerBase":
    """The tokenizer of a folder or Hub id: pads left, has a pad token and `model.chat_template`.

    An adapter folder without tokenizer takes its base's.

    Raises:
        LetheError: It is missing or broken, or has neither pad nor end-of-sequence token.
    """
    from transformers import AutoTokenizer

    folder = Path(path).expanduser()
    if is_adapter(folder) and not any((folder / name).is_file() for name in TOKENIZERS):
        path = base_of(folder)
    made = _pretrained(AutoTokenizer, str(path), model, padding_side="left")
    if made.pad_token is None:
        made.pad_token = made.eos_token
    if made.pad_token is None:
        raise LetheError(f"{path}: the tokenizer has neither a pad nor an end-of-sequence token")
    if model.chat_template:
        made.chat_template = model.chat_template.read_text(encoding="utf-8")
    return made


def positions(model: "PreTrainedModel") -> int | None:
    """How many tokens a model with learnt positions has a place for; None if it has none such."""
    learnt = ("wpe", "embed_positions", "position_embeddings")
    if not any(name.endswith(learnt) for name, _ in model.named_modules()):
        return None
    return getattr(model.config, "max_position_embeddings", None)


def save(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    out: str | Path,
    weights: dict[str, Any] | None = None,
) -> None:
    """Write weights (an adapter: its own only) as safetensors, with the tokenizer.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        out: The folder, made if it is not there.
        weights: The whole model's, where it holds only a share of them itself.

    Raises:
        LetheError: The folder cannot be written to, or the disk is full.
    """
    from safetensors import SafetensorError

    try:
        Path(out).mkdir(parents=True, exist_ok=True)
        model.save_pretrained(out, state_dict=weights)
        tokenizer.save_pretrained(out)
    except (OSError, SafetensorError) as error:
        raise LetheError(f"{out}: cannot be written: {error}") from error


# ------------------------------------------------------------------------------------ rendering


def render(tokenizer: "PreTrainedTokenizerBase", prompt: str | list[dict[str, str]]) -> list[int]:
    r"""Token ids after which the model's answer begins; never two BOS, never a closing EOS.

    With a chat template: the template with its generation prompt. Without (a base model):
    `Question: {prompt}\nAnswer:`, earlier turns of a chat in the same manner above it.

    Raises:
        LetheError: A message has a role that the plain form does not know.
    """
    if tokenizer.chat_template:
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        ids = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=False
        )
    else:
        ids = tokenizer(plain(prompt))["input_ids"]
    ids = [int(token) for token in ids]  # pyright: ignore[reportArgumentType]
    while len(ids) > 1 and ids[0] == ids[1] == tokenizer.bos_token_id:
        ids = ids[1:]
    while len(ids) > 1 and not tokenizer.chat_template and ids[-1] == tokenizer.eos_token_id:
        ids = ids[:-1]
    return ids


def plain(prompt: str | list[dict[str, str]]) -> str:
    r"""A prompt as text for a model without chat template.

    >>> plain("Who wrote Carrie?")
    'Question: Who wrote Carrie?\nAnswer:'
    """
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    for turn in turns:
        if turn["role"] not in _TURNS:
            raise LetheError(f"role {turn['role']!r}: {choices(turn['role'], _TURNS)}")
    return "".join(f"{_TURNS[turn['role']]}{turn['content']}\n" for turn in turns) + "Answer:"
