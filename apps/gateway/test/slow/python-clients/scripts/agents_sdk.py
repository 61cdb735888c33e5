"""The Agents SDK: the Responses API by default, Chat Completions where it is told to."""
import asyncio

from agents import Agent, Runner, function_tool, handoff, set_default_openai_api, set_tracing_disabled
from pydantic import BaseModel

from checks import DATA_URL, MODEL, call, check

set_tracing_disabled(True)
# One loop for all: the client keeps its connections in it.
loop = asyncio.new_event_loop()


@function_tool
def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"fine in {city}"


class City(BaseModel):
    city: str


async def run(_name):
    assert (await Runner.run(Agent(name="a", model=MODEL, instructions="Be brief."), "Say hello")).final_output


async def tools(name):
    agent = Agent(name="a", model=MODEL, tools=[get_weather])
    result = await Runner.run(agent, call(name))
    assert result.final_output and any(item.type == "tool_call_output_item" for item in result.new_items)
    assert (await Runner.run(agent, result.to_input_list() + [{"role": "user", "content": "And now?"}])).final_output


async def output_type(_name):
    assert (await Runner.run(Agent(name="a", model=MODEL, output_type=City), "Weather?")).final_output.city


async def handoffs(_name):
    agent = Agent(name="a", model=MODEL, handoffs=[handoff(Agent(name="b", model=MODEL))])
    assert (await Runner.run(agent, "[call transfer_to_b]")).last_agent.name == "b"


async def tools_stream(name):
    result = Runner.run_streamed(Agent(name="a", model=MODEL, tools=[get_weather]), call(name))
    ran = [event.name async for event in result.stream_events() if event.type == "run_item_stream_event"]
    assert "tool_output" in ran and result.final_output


async def image(_name):
    content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": DATA_URL, "detail": "auto"}]
    assert (await Runner.run(Agent(name="a", model=MODEL), [{"role": "user", "content": content}])).final_output


async def stream(_name):
    result = Runner.run_streamed(Agent(name="a", model=MODEL), "Say hello")
    deltas = [event async for event in result.stream_events() if event.type == "raw_response_event"]
    assert deltas and result.final_output


def run_with(protocol, name, function):
    def run_in_loop():
        set_default_openai_api(protocol)
        loop.run_until_complete(function(run_in_loop.__name__))

    run_in_loop.__name__ = f"{name}_{function.__name__}"
    check(run_in_loop)


for protocol, name in (("responses", "responses"), ("chat_completions", "chat")):
    for function in (run, tools, tools_stream, image, output_type, handoffs, stream):
        run_with(protocol, name, function)
