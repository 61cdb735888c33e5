"""What the scripts share: each check prints its name when it holds, and its traceback when it does not."""
import os
import sys
import traceback

#: A model that refuses what libraries do by default: forced tools, keywords that cannot be enforced, sampling.
MODEL = "claude-opus-5-5"
BASE_URL = os.environ["OPENAI_BASE_URL"]
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DATA_URL = f"data:image/png;base64,{IMAGE}"


def call(name):
    """A text by which the simulator calls a tool without being forced to; the suite finds by the name what came of it upstream."""
    return f"[call get_weather] for {name}."


def check(function):
    try:
        function()
        print(f"ok {function.__name__}", flush=True)
    except BaseException:
        print(f"failed {function.__name__}", flush=True)
        traceback.print_exc(file=sys.stderr)
    return function
