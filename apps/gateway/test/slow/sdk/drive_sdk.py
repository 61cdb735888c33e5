"""Makes one call for each line of standard input ({"call", "base_url"}) and prints how it ended, as a line of JSON."""
import json
import sys

import anthropic

IMPATIENT_S = 2.0
MODEL = "claude-scripted"
ASK = {"model": MODEL, "max_tokens": 200, "messages": [{"role": "user", "content": "Say hello"}]}
TOOLS = [{"name": "get_weather", "description": "Weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]


def end_of(message):
    return {"text": "".join(block.text for block in message.content if block.type == "text"), "stopReason": message.stop_reason}


def stream(client, **params):
    with client.messages.stream(**params) as opened:
        return opened.get_final_message()


def use_tool(ask):
    first = ask(**ASK, tools=TOOLS)
    use = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": use.id, "content": json.dumps(use.input)}
    turns = [{"role": "assistant", "content": [block.to_dict() for block in first.content]}, {"role": "user", "content": [result]}]
    return end_of(ask(**{**ASK, "messages": ASK["messages"] + turns}, tools=TOOLS))


CALLS = {
    "create": lambda client: end_of(client.messages.create(**ASK)),
    "stream": lambda client: end_of(stream(client, **ASK)),
    "tool": lambda client: use_tool(client.messages.create),
    "stream_tool": lambda client: use_tool(lambda **params: stream(client, **params)),
    "count_tokens": lambda client: {"text": str(client.messages.count_tokens(model=MODEL, messages=ASK["messages"]).input_tokens)},
    "impatient": lambda client: end_of(client.with_options(timeout=IMPATIENT_S, max_retries=0).messages.create(**ASK)),
    "impatient_stream": lambda client: end_of(stream(client.with_options(timeout=IMPATIENT_S, max_retries=0), **ASK)),
}


def drive(call, base_url):
    client = anthropic.Anthropic(api_key="sk-ant-api03-dummy-key-of-a-test", base_url=base_url)
    try:
        return CALLS[call](client)
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error), "status": getattr(error, "status_code", None)}


for line in sys.stdin:
    order = json.loads(line)
    print(json.dumps(drive(order["call"], order["base_url"])), flush=True)
