"""The LiteLLM SDK as a client of an OpenAI-compatible server, over both protocols."""
import litellm
from pydantic import BaseModel, Field

from checks import BASE_URL, DATA_URL, MODEL, call, check

OPTIONS = {"model": f"openai/{MODEL}", "api_base": BASE_URL, "api_key": "x", "num_retries": 0, "max_retries": 0}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
CHAT_TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}]
RESPONSES_TOOLS = [{"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": True}]
HELLO = [{"role": "user", "content": "Say hello"}]


class City(BaseModel):
    city: str = Field(min_length=1)


def ask(messages, **options):
    return litellm.completion(messages=messages, **OPTIONS, **options)


@check
def chat():
    completion = ask(HELLO)
    assert completion.choices[0].finish_reason == "stop" and completion.usage.total_tokens > 0


@check
def chat_stream():
    chunks = list(ask(HELLO, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) and litellm.stream_chunk_builder(chunks).usage.completion_tokens > 0


def chat_tool_loop(name, **options):
    messages = [{"role": "user", "content": call(name)}]
    answer = ask(messages, tools=CHAT_TOOLS, tool_choice="required", extra_body={"reasoning_content": True}, **options)
    if options:
        answer = litellm.stream_chunk_builder(list(answer))
    message = answer.choices[0].message
    messages += [message.model_dump(exclude_none=True)]
    messages += [{"role": "tool", "tool_call_id": tool_call.id, "content": "fine"} for tool_call in message.tool_calls]
    assert ask(messages, tools=CHAT_TOOLS, extra_body={"reasoning_content": True}).choices[0].message.content


@check
def chat_tools():
    chat_tool_loop("chat_tools")


@check
def chat_tools_stream():
    chat_tool_loop("chat_tools_stream", stream=True)


@check
def chat_image():
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": DATA_URL}}]
    assert ask([{"role": "user", "content": content}]).choices[0].message.content


@check
def chat_structured():
    assert City.model_validate_json(ask(HELLO, response_format=City).choices[0].message.content).city


@check
def chat_context_window():
    try:
        litellm.completion(messages=HELLO, **{**OPTIONS, "model": "openai/sim-prompt-too-long"})
    except litellm.ContextWindowExceededError:
        return
    raise AssertionError("the context was not known to be full")


@check
def responses():
    answer = litellm.responses(input="Say hello", **OPTIONS)
    assert answer.status == "completed" and answer.output_text


@check
def responses_stream():
    events = list(litellm.responses(input="Say hello", stream=True, **OPTIONS))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") and events[-1].type == "response.completed"


def responses_tool_loop(name, **options):
    items = [{"role": "user", "content": call(name)}]
    answer = litellm.responses(input=items, tools=RESPONSES_TOOLS, store=False, **OPTIONS, **options)
    if options:
        answer = list(answer)[-1].response
    output = [item if isinstance(item, dict) else item.model_dump(exclude_none=True) for item in answer.output]
    items += output + [{"type": "function_call_output", "call_id": item["call_id"], "output": "fine"} for item in output if item["type"] == "function_call"]
    assert len(items) > len(output) + 1 and litellm.responses(input=items, tools=RESPONSES_TOOLS, store=False, **OPTIONS).output_text


@check
def responses_tools():
    responses_tool_loop("responses_tools")


@check
def responses_tools_stream():
    responses_tool_loop("responses_tools_stream", stream=True)


@check
def responses_image():
    content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": DATA_URL}]
    assert litellm.responses(input=[{"role": "user", "content": content}], **OPTIONS).output_text


@check
def responses_structured():
    assert City.model_validate_json(litellm.responses(input="Weather?", text_format=City, **OPTIONS).output_text).city
