"""pydantic-ai, over both protocols."""
from pydantic import BaseModel, Field
from pydantic_ai import Agent, NativeOutput, PromptedOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

from checks import CALL, MODEL, check


class City(BaseModel):
    city: str = Field(min_length=1)


def both(name, kind):
    model = kind(MODEL)

    def text():
        assert Agent(model).run_sync("Say hello").output

    def tools():
        agent = Agent(model)
        asked = []

        @agent.tool_plain
        def get_weather(city: str) -> str:
            asked.append(city)
            return f"fine in {city}"

        assert agent.run_sync(CALL).output and asked

    def tool_output():
        assert Agent(model, output_type=City).run_sync("[call final_result]").output.city

    def native_output():
        assert Agent(model, output_type=NativeOutput(City)).run_sync("Weather?").output.city

    def prompted_output():
        assert Agent(kind("sim-echo"), output_type=PromptedOutput(City)).run_sync('{"city": "Berlin"}').output.city == "Berlin"

    def stream():
        result = Agent(model).run_stream_sync("Say hello")
        assert "".join(result.stream_text(delta=True))

    for function in (text, tools, tool_output, native_output, prompted_output, stream):
        function.__name__ = f"{name}_{function.__name__}"
        check(function)


both("chat", OpenAIChatModel)
both("responses", OpenAIResponsesModel)
