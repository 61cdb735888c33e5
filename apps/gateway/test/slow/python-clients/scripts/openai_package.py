"""The openai package, over both protocols."""
import json

from openai import BadRequestError, OpenAI, RateLimitError
from pydantic import BaseModel, Field

from checks import DATA_URL, MODEL, call, check

client = OpenAI(max_retries=0)
HELLO = [{"role": "user", "content": "Say hello"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string", "minLength": 1}}, "required": ["city"], "additionalProperties": False}


class City(BaseModel):
    city: str = Field(min_length=1)


@check
def chat():
    completion = client.chat.completions.create(model=MODEL, messages=HELLO)
    assert completion.choices[0].finish_reason == "stop" and completion.usage.total_tokens > 0


@check
def chat_stream():
    with client.chat.completions.stream(model=MODEL, messages=HELLO, stream_options={"include_usage": True}) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert text and final.choices[0].message.content == text and final.usage.completion_tokens > 0


@check
def chat_parse():
    completion = client.chat.completions.parse(model=MODEL, messages=HELLO, response_format=City)
    assert completion.choices[0].message.parsed.city


@check
def chat_tools_keep_thinking():
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS, "strict": True}}]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": call("chat_tools_keep_thinking")}]
    body = {"reasoning_content": True}
    message = client.chat.completions.create(model=MODEL, messages=messages, tools=tools, tool_choice="required", extra_body=body).choices[0].message
    assert message.thinking_blocks[0]["signature"]
    messages += [message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "fine"}, {"role": "developer", "content": "Be brief still."}]
    assert client.chat.completions.create(model=MODEL, messages=messages, tools=tools, extra_body=body).choices[0].message.content


@check
def chat_image():
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": DATA_URL}}]
    assert client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}]).choices[0].finish_reason == "stop"


@check
def response():
    answer = client.responses.create(model=MODEL, input="Say hello")
    assert answer.status == "completed" and answer.output_text and answer.usage.total_tokens > 0


@check
def response_stream():
    with client.responses.stream(model=MODEL, input="Say hello") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text and final.output_text == text


@check
def response_parse():
    assert client.responses.parse(model=MODEL, input="Weather?", text_format=City).output_parsed.city


@check
def response_tools_keep_thinking():
    tools = [{"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": True}]
    items = [{"role": "user", "content": call("response_tools_keep_thinking")}]
    first = client.responses.create(model=MODEL, input=items, tools=tools, store=False)
    calls = [item for item in first.output if item.type == "function_call"]
    assert [item.type for item in first.output] == ["reasoning", "function_call"] and json.loads(calls[0].arguments)["city"]
    items += [item.model_dump(exclude_none=True) for item in first.output] + [{"type": "function_call_output", "call_id": calls[0].call_id, "output": "fine"}]
    assert client.responses.create(model=MODEL, input=items, tools=tools, store=False).output_text


@check
def response_tools_stream():
    tools = [{"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": True}]
    items = [{"role": "user", "content": call("response_tools_stream")}]
    with client.responses.stream(model=MODEL, input=items, tools=tools, store=False) as stream:
        arguments = "".join(event.delta for event in stream if event.type == "response.function_call_arguments.delta")
        output = stream.get_final_response().output
    assert output[1].arguments == arguments
    items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in output] + [{"type": "function_call_output", "call_id": output[1].call_id, "output": "fine"}]
    with client.responses.stream(model=MODEL, input=items, tools=tools, store=False) as stream:
        assert stream.get_final_response().output_text


@check
def response_image():
    content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": DATA_URL, "detail": "auto"}]
    assert client.responses.create(model=MODEL, input=[{"role": "user", "content": content}]).output_text


@check
def models():
    listed = [model.id for model in client.models.list()]
    assert MODEL in listed and client.models.retrieve(MODEL).id == MODEL


@check
def errors():
    for model, error, code in [("sim-prompt-too-long", BadRequestError, "context_length_exceeded"), ("sim-rate-limited", RateLimitError, "rate_limit_exceeded"), ("sim-spend-limit", RateLimitError, "insufficient_quota")]:
        try:
            client.chat.completions.create(model=model, messages=HELLO)
        except error as raised:
            assert raised.code == code, raised.code
        else:
            raise AssertionError(model)
