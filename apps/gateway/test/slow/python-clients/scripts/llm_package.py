"""The llm command, over both protocols: a chat, an image, a schema, a tool."""
import base64
import json
import os
import subprocess
import sys
from pathlib import Path

from checks import BASE_URL, IMAGE, MODEL, call, check

home = Path(os.environ["HOME"]) / "llm"
home.mkdir()
environment = {**os.environ, "LLM_USER_PATH": str(home)}
home.joinpath("a.png").write_bytes(base64.b64decode(IMAGE))
home.joinpath("extra-openai-models.yaml").write_text("".join(
    f"- model_id: {name}\n  model_name: {MODEL}\n  api_base: {BASE_URL}\n  supports_tools: true\n  supports_schema: true\n  vision: true\n{more}"
    for name, more in (("chat", ""), ("responses", "  responses: true\n"))))


def both(name):
    def llm(*arguments):
        done = subprocess.run([sys.executable, "-m", "llm", *arguments, "-m", name], env=environment, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def text():
        assert llm("Say hello").strip() and llm("Say hello", "--no-stream").strip()

    def image():
        assert llm("What is this?", "-a", "a.png").strip()

    def schema():
        assert json.loads(llm("Weather?", "--schema", "city, celsius int"))["city"]

    def tools():
        functions = "def get_weather(city: str) -> str:\n    'Weather'\n    return 'fine'"
        assert llm(call(f"{name}_tools"), "--functions", functions).strip() and llm(call(f"{name}_tools"), "--functions", functions, "--no-stream").strip()

    for function in (text, image, schema, tools):
        function.__name__ = f"{name}_{function.__name__}"
        check(function)


both("chat")
both("responses")
