"""aider: an answer streamed and not, and an edit of a file."""
import os
import subprocess
import sys
from pathlib import Path

from checks import BASE_URL, MODEL, check

home = Path(os.environ["HOME"])
# aider would fetch the prices of all models.
prices = home / ".aider/caches/model_prices_and_context_window.json"
prices.parent.mkdir(parents=True)
prices.write_text('{"none": {}}')
FLAGS = ["--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings", "--no-show-release-notes", "--analytics-disable", "--no-pretty", "--no-fancy-input", "--no-suggest-shell-commands", "--no-detect-urls", "--no-auto-lint", "--map-tokens", "0"]


def aider(message, *flags, model=MODEL):
    command = [sys.executable, "-m", "aider", *FLAGS, "--openai-api-base", BASE_URL, "--openai-api-key", "x", "--model", f"openai/{model}", "--weak-model", f"openai/{model}", "--message", message, *flags]
    done = subprocess.run(command, cwd=home, env=os.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Tokens:" in done.stdout, done.stdout + done.stderr


@check
def chat_stream():
    aider("Say hello", "--chat-mode", "ask")


@check
def chat():
    aider("Say hello", "--chat-mode", "ask", "--no-stream")


@check
def chat_edit():
    # The model repeats what it is asked, which is an edit in aider's own format.
    home.joinpath("a.txt").write_text("first\n")
    aider("a.txt\n```\nsecond\n```\n", "--edit-format", "whole", "a.txt", model="sim-echo")
    assert home.joinpath("a.txt").read_text() == "second\n", home.joinpath("a.txt").read_text()
