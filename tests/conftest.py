"""What every test needs: one thread, no telemetry, the shared benchmark data where it is."""

import contextlib
import json
import os
import resource
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"benchmark data is not at {folder} (it is not part of the package)")
    return folder


# A language of a few words, with a real tokenizer and models of a few thousand weights.

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<user>", "<assistant>"]
WORDS = (
    "Question : Answer ? . , Who Where What is was does live of Bo Ada Cy Dot Eli Fay Oslo Rome "
    "Lima Bern Kiev baker painter sailor Sure it I don't know cannot say that"
).split()
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %}"
    "<assistant> {{ m['content'] }}{{ eos_token }}{% else %}<user> {{ m['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)


def make_words(*, chat: bool):
    """A tokenizer, one token a word; plain text gets a BOS, as with Llama's."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(":", "isolated")]
    )
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=["<user>", "<assistant>"],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE if chat else None
    return fast


def make_letters(chat: bool):
    """A tokenizer for which " Oslo" and "Oslo" are different tokens, as in GPT-2 and Llama 3."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["<pad>", "</s>", *letters])}
    made = Tokenizer(models.BPE(vocabulary, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>")
    fast.chat_template = "{{ messages[0]['content'] }}>" if chat else None
    return fast


def make_net(kind: str = "llama", seed: int = 0, scale: float = 0.3, **shape):
    """A model of two layers with random weights, wild enough that its choices are far apart."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(seed)
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    size = {
        "vocab_size": len(SPECIAL) + len(WORDS),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 128,
    }
    if kind == "gpt2":
        size = {"vocab_size": size["vocab_size"], "n_embd": 32, "n_layer": 2, "n_head": 4}
    net = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**size, **ends, **shape}))
    with torch.no_grad():
        for name, weight in net.named_parameters():
            weight.normal_(
                1.0 if ("norm" in name or "ln_" in name) and "bias" not in name else 0.0, scale
            )
    return net.eval()


@pytest.fixture(scope="session")
def words():
    return make_words(chat=True)


@pytest.fixture(scope="session")
def plain_words():
    return make_words(chat=False)


@pytest.fixture(scope="session")
def letters():
    return make_letters


@pytest.fixture(scope="session")
def net():
    return make_net


@pytest.fixture(scope="session")
def saved(tmp_path_factory, words, plain_words):
    """`saved("llama", seed=1, chat=True)`: the folder of such a model with its tokenizer."""

    def make(kind: str = "llama", *, chat: bool = True, **options) -> Path:
        folder = tmp_path_factory.mktemp("net") / kind
        make_net(kind, **options).save_pretrained(folder)
        (words if chat else plain_words).save_pretrained(folder)
        return folder

    return make


# A chat server that says what a test tells it to.


class ChatServer(ThreadingHTTPServer):
    """Answers POST /v1/chat/completions with what `answer` makes of the body of the request.

    A text becomes a chat completion of 7 + 3 tokens, bytes are sent as they are, a number is an
    HTTP status, which headers may follow.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ChatHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.answer = lambda body: "fine"
        self.asked: list[dict] = []
        self.keys: list[str] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()


class ChatHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append(body)
            self.server.keys.append(self.headers["Authorization"])
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        answer = self.server.answer(body)
        with self.server.lock:
            self.server.at_once -= 1
        right = self.path == "/v1/chat/completions"
        self.send(answer if right else 404)

    def send(self, answer):
        status, headers, content = 200, {}, answer
        if isinstance(answer, str):
            content = json.dumps(completion(answer)).encode()
        elif not isinstance(answer, bytes):
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            content = json.dumps({"error": {"message": f"this is a {status}"}}).encode()
        with contextlib.suppress(ConnectionError):  # whoever asked did not wait
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format, *args):
        pass


def completion(text: str) -> dict:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "small",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


@pytest.fixture
def chat_server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ChatServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def timed():
    """`timed(command)`: what it printed, and the seconds of the processor that it took.

    Best of three; of the processor, for a busy machine takes longer at the same work.
    """

    def run(command):
        def once():
            before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
            done = subprocess.run(command, capture_output=True, text=True, timeout=20)
            return done, sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before

        return min((once() for _ in range(3)), key=lambda found: found[1])

    return run
