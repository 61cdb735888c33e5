"""The llm command: a chat, a schema, a tool."""
import json
import os
import subprocess
import sys
from pathlib import Path

from checks import BASE_URL, CALL, MODEL, check

home = Path(os.environ["HOME"]) / "llm"
home.mkdir()
environment = {**os.environ, "LLM_USER_PATH": str(home)}
home.joinpath("extra-openai-models.yaml").write_text(
    f"- model_id: penstock\n  model_name: {MODEL}\n  api_base: {BASE_URL}\n  supports_tools: true\n  supports_schema: true\n  vision: true\n")


def llm(*arguments):
    done = subprocess.run([sys.executable, "-m", "llm", *arguments, "-m", "penstock"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@check
def chat():
    assert llm("Say hello").strip() and llm("Say hello", "--no-stream").strip()


@check
def schema():
    assert json.loads(llm("Weather?", "--schema", "city, celsius int"))["city"]


@check
def tools():
    assert llm(CALL, "--functions", "def get_weather(city: str) -> str:\n    'Weather'\n    return 'fine'").strip()
