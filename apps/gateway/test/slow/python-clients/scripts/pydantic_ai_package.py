"""pydantic-ai, over both protocols."""
import base64

from pydantic import BaseModel, Field
from pydantic_ai import Agent, BinaryContent, NativeOutput, PromptedOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles.openai import OpenAIModelProfile

from checks import IMAGE, MODEL, call, check


class City(BaseModel):
    city: str = Field(min_length=1)


def both(name, kind, **profile):
    model = kind(MODEL, profile=OpenAIModelProfile(**profile))

    def text():
        assert Agent(model).run_sync("Say hello").output

    def tools():
        agent = Agent(model)
        asked = []

        @agent.tool_plain
        def get_weather(city: str) -> str:
            asked.append(city)
            return f"fine in {city}"

        assert agent.run_sync(call(f"{name}_tools")).output and asked

    def tools_stream():
        agent = Agent(model)
        asked = []

        @agent.tool_plain
        def get_weather(city: str) -> str:
            asked.append(city)
            return f"fine in {city}"

        assert "".join(agent.run_stream_sync(call(f"{name}_tools_stream")).stream_text(delta=True)) and asked

    def image():
        assert Agent(model).run_sync(["What is this?", BinaryContent(base64.b64decode(IMAGE), media_type="image/png")]).output

    def tool_output():
        assert Agent(model, output_type=City).run_sync("[call final_result]").output.city

    def native_output():
        assert Agent(model, output_type=NativeOutput(City)).run_sync("Weather?").output.city

    def prompted_output():
        assert Agent(kind("sim-echo"), output_type=PromptedOutput(City)).run_sync('{"city": "Berlin"}').output.city == "Berlin"

    def stream():
        result = Agent(model).run_stream_sync("Say hello")
        assert "".join(result.stream_text(delta=True))

    for function in (text, tools, tools_stream, image, tool_output, native_output, prompted_output, stream):
        function.__name__ = f"{name}_{function.__name__}"
        check(function)


both("chat", OpenAIChatModel)
# By its default it takes models that it does not know for ones without sealed reasoning, and sends thoughts back as text.
both("responses", OpenAIResponsesModel, openai_supports_encrypted_reasoning_content=True)
