"""The Agents SDK: the Responses API by default, Chat Completions where it is told to."""
import asyncio

from agents import Agent, Runner, function_tool, handoff, set_default_openai_api, set_tracing_disabled
from pydantic import BaseModel

from checks import CALL, MODEL, check

set_tracing_disabled(True)
# One loop for all: the client keeps its connections in it.
loop = asyncio.new_event_loop()


@function_tool
def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"fine in {city}"


class City(BaseModel):
    city: str


async def run():
    assert (await Runner.run(Agent(name="a", model=MODEL, instructions="Be brief."), "Say hello")).final_output


async def tools():
    agent = Agent(name="a", model=MODEL, tools=[get_weather])
    result = await Runner.run(agent, CALL)
    assert result.final_output and any(item.type == "tool_call_output_item" for item in result.new_items)
    assert (await Runner.run(agent, result.to_input_list() + [{"role": "user", "content": "And now?"}])).final_output


async def output_type():
    assert (await Runner.run(Agent(name="a", model=MODEL, output_type=City), "Weather?")).final_output.city


async def handoffs():
    agent = Agent(name="a", model=MODEL, handoffs=[handoff(Agent(name="b", model=MODEL))])
    assert (await Runner.run(agent, "[call transfer_to_b]")).last_agent.name == "b"


async def stream():
    result = Runner.run_streamed(Agent(name="a", model=MODEL), "Say hello")
    deltas = [event async for event in result.stream_events() if event.type == "raw_response_event"]
    assert deltas and result.final_output


def run_with(protocol, name, function):
    def run_in_loop():
        set_default_openai_api(protocol)
        loop.run_until_complete(function())

    run_in_loop.__name__ = f"{name}_{function.__name__}"
    check(run_in_loop)


for protocol, name in (("responses", "responses"), ("chat_completions", "chat")):
    for function in (run, tools, output_type, handoffs, stream):
        run_with(protocol, name, function)
