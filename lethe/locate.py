"""Whether a model can be loaded, told in the first second: folders, files, names; no torch.

Pickle weights are refused. A Hub id and an embedded model (`world:<seed>`) are only recognised.
"""

import importlib.util
import json
import re
from collections.abc import Iterable
from pathlib import Path

from lethe import config
from lethe.plug import LetheError, choices

_PACKAGES = {"flash_attention_2": ("flash_attn", "kernels"), "nf4": ("bitsandbytes",)}
_PACKAGES["int8"] = _PACKAGES["nf4"]
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "tekken.json")


def locate(model: config.Model) -> str:
    """Check that the model can be loaded, without loading it or importing torch.

    Of a local folder everything is checked: config.json, safetensors files (each one's header and
    length), tokenizer, the names in `freeze` and `lora.targets`; an adapter folder's base too. A
    Hub id (`name` or `org/name`, no such folder here) and `world:<seed>` are returned as they are.

    Returns:
        The folder or Hub id, to give to `load` and `tokenizer`.

    Raises:
        LetheError: What is missing or broken, and in which file.
    """
    if model.chat_template and not model.chat_template.is_file():
        raise LetheError(f"{model.chat_template}: no such chat template file")
    _check_packages(model)
    path = _locate(model.path)
    if model.revision and not on_the_hub(path):
        raise LetheError(
            f"model.revision: {model.revision!r} is of a Hub model, but {model.path} is not one; "
            "leave it out"
        )
    if (model.freeze or model.lora) and Path(path).is_dir() and not is_adapter(path):
        _check_names(model, _tensor_names(Path(path)))
    return path


def _check_packages(model: config.Model) -> None:
    """Refuse what needs a library that is not here."""
    for key, value in (("attention", model.attention), ("quantization", model.quantization)):
        wanted = _PACKAGES.get(value or "", ())
        if wanted and not any(importlib.util.find_spec(name) for name in wanted):
            names = " or ".join(name.replace("flash_attn", "flash-attn") for name in wanted)
            raise LetheError(f"model.{key}: {value} needs {names}: pip install {names.split()[0]}")


def on_the_hub(path: str) -> bool:
    """Whether the weights, or those beneath an adapter, come from the Hub."""
    if Path(path).expanduser().is_dir():
        return is_adapter(path) and on_the_hub(base_of(Path(path).expanduser()))
    return not path.startswith("world:")


def _check_names(model: config.Model, names: list[str]) -> None:
    """Refuse names of layers that the weights do not have."""
    layers = [name.removesuffix(".weight") for name in names]
    if model.lora is None:
        for part in model.freeze:
            if not any(part in name for name in names):
                raise LetheError(_no_name("model.freeze", part, names))
    elif isinstance(model.lora.targets, list):
        for target in model.lora.targets:
            if not any(f".{layer}".endswith(f".{target}") for layer in layers):
                raise LetheError(_no_name("model.lora.targets", target, layers))


def _no_name(key: str, part: str, names: Iterable[str]) -> str:
    last = dict.fromkeys(re.sub(r".*\.(?=\D+$)", "", n.removesuffix(".weight")) for n in names)
    return f"{key}: {part!r} is no part of a name in the weights; {choices(part, last)}"


def _tensor_names(folder: Path) -> list[str]:
    from safetensors import safe_open

    whole = folder / "model.safetensors"
    if not whole.is_file():  # in shards; one file goes before an index, as in `_check_weights`
        return list(_config(folder / "model.safetensors.index.json")["weight_map"])
    with safe_open(whole, framework="numpy") as file:
        return list(file.keys())


def _locate(path: str) -> str:
    folder = Path(path).expanduser()
    if path.startswith("world:") or (not folder.exists() and _is_hub_id(path)):
        return path
    if not folder.is_dir():
        problem = "is a file; give its folder" if folder.exists() else "no such folder"
        raise LetheError(f"{path}: {problem} (a model is a local folder, a Hub id or world:<seed>)")
    if is_adapter(folder):
        _check_weights(folder, "adapter_model")
        _locate(base_of(folder))
        return str(folder)
    _config(folder / "config.json")
    _check_weights(folder, "model")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise LetheError(f"{folder}: no tokenizer: none of {', '.join(TOKENIZERS)}")
    return str(folder)


def is_adapter(path: str | Path) -> bool:
    """Whether the folder holds a PEFT adapter instead of whole weights."""
    return (Path(path).expanduser() / "adapter_config.json").is_file()


def _is_hub_id(path: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", path) is not None


def base_of(folder: Path) -> str:
    """The model that an adapter folder was trained over."""
    file = folder / "adapter_config.json"
    base = _config(file).get("base_model_name_or_path")
    if not base:
        raise LetheError(f"{file}: base_model_name_or_path: missing")
    return base


def _config(file: Path) -> dict:
    if not file.is_file():
        raise LetheError(f"{file.parent}: no {file.name}: not a model folder")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LetheError(f"{file}: not JSON: {error}") from error


def _check_weights(folder: Path, stem: str) -> None:
    index = folder / f"{stem}.safetensors.index.json"
    files = [folder / f"{stem}.safetensors"]
    if not files[0].is_file() and index.is_file():
        shards = _config(index).get("weight_map")
        if not shards:
            raise LetheError(f"{index}: weight_map: missing")
        files = [folder / name for name in sorted(set(shards.values()))]
    for file in files:
        if not file.is_file():
            raise LetheError(_no_weights(folder, file))
        _check_safetensors(file)


def _no_weights(folder: Path, file: Path) -> str:
    pickles = sorted(found.name for glob in _PICKLES for found in folder.glob(glob))
    if not pickles:
        return f"{folder}: no weights: {file.name} is missing"
    return (
        f"{folder}: only pickle weights ({', '.join(pickles)}), which can run code when opened, "
        f"and no {file.name}; where you trust them, convert them: "
        "AutoModelForCausalLM.from_pretrained(folder).save_pretrained(new_folder)"
    )


def _check_safetensors(file: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy"):
            pass
    except (SafetensorError, OSError) as error:
        raise LetheError(f"{file}: broken or cut short: {error}") from error
