"""What the scripts share: each check prints its name when it holds, and its traceback when it does not."""
import os
import sys
import traceback

#: A model that refuses what libraries do by default: forced tools, keywords that cannot be enforced, sampling.
MODEL = "claude-opus-5-5"
BASE_URL = os.environ["OPENAI_BASE_URL"]
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
#: A text by which the simulator calls a tool without being forced to.
CALL = "[call get_weather] please"


def check(function):
    try:
        function()
        print(f"ok {function.__name__}", flush=True)
    except BaseException:
        print(f"failed {function.__name__}", flush=True)
        traceback.print_exc(file=sys.stderr)
    return function
