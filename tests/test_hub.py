"""The upload speaks the Hub's protocol, with a server here that speaks it too."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lethe import hub
from lethe.plug import LetheError


class Hub(BaseHTTPRequestHandler):
    """Makes repositories and takes commits of small files."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append((self.path, body, self.headers["Authorization"]))
        if self.server.refuse:
            return self.send(403, {"error": "no right to write there"})
        if self.path.endswith("/repos/create"):
            return self.send(200, {"url": f"{self.server.url}/org/mine"})
        if "/preupload/" in self.path:
            files = [file["path"] for file in json.loads(body)["files"]]
            kept = [
                {"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in files
            ]
            return self.send(200, {"files": kept})
        where = f"{self.server.url}/org/mine/commit/abc"
        return self.send(200, {"success": True, "commitOid": "abc", "commitUrl": where})

    def do_GET(self):
        if "/tree/" not in self.path:
            return self.send(404, {"error": "nothing"})
        there = [{"type": "file", "path": "adapter_config.json", "size": 1, "oid": "a"}]
        self.send(200, there)

    def send(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as made:
        made.url, made.asked, made.refuse = f"http://127.0.0.1:{made.server_port}", [], False
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.mark.parametrize("private", [True, False])
def test_a_folder_becomes_one_commit(server, tmp_path, private):
    (tmp_path / "README.md").write_text("a card")
    (tmp_path / "config.json").write_text("{}")
    where = hub.push(tmp_path, "org/mine", private=private, endpoint=server.url)
    assert where == f"{server.url}/org/mine"
    created = json.loads(server.asked[0][1])
    assert created["organization"] == "org" and created["name"] == "mine"
    assert created.get("private", False) is private or created.get("visibility") == (
        "private" if private else "public"
    )
    commits = [body for path, body, _ in server.asked if "/commit/" in path]
    assert len(commits) == 1
    lines = [json.loads(line) for line in commits[0].splitlines()]
    sent = {line["value"]["path"]: base64.b64decode(line["value"]["content"]).decode()
            for line in lines if line["key"] == "file"}  # fmt: skip
    assert sent == {"README.md": "a card", "config.json": "{}"}
    gone = [line["value"]["path"] for line in lines if line["key"] == "deletedFile"]
    assert gone == ["adapter_config.json"], "an earlier export's, which would be loaded too"
    assert {key for _, _, key in server.asked} == {"Bearer hf_secret"}


def test_a_refusal_is_one_line(server, tmp_path):
    server.refuse = True
    with pytest.raises(
        LetheError, match=r"^--push-to-hub: org/mine: (?s:.)*the export is in "
    ) as no:
        hub.push(tmp_path, "org/mine", private=True, endpoint=server.url)
    assert "hf_secret" not in str(no.value)
    with pytest.raises(LetheError, match=r"^--push-to-hub: org/mine: "):
        hub.push(tmp_path, "org/mine", private=True, endpoint="http://127.0.0.1:9")
