"""langchain-openai, over both protocols."""
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

from checks import DATA_URL, MODEL, call, check


class City(BaseModel):
    """A city."""

    city: str = Field(min_length=1)


@tool
def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"fine in {city}"


def both(name, **options):
    model = ChatOpenAI(model=MODEL, max_retries=0, **options)

    def invoke():
        assert model.invoke("Say hello").text

    def stream():
        assert "".join(chunk.text for chunk in model.stream("Say hello"))

    def tools():
        bound = model.bind_tools([get_weather], tool_choice="any")
        question = HumanMessage(call(f"{name}_tools"))
        first = bound.invoke([question])
        results = [ToolMessage(get_weather.invoke(tool_call["args"]), tool_call_id=tool_call["id"]) for tool_call in first.tool_calls]
        assert results and model.bind_tools([get_weather]).invoke([question, first, *results]).text

    def tools_stream():
        bound = model.bind_tools([get_weather])
        question = HumanMessage(call(f"{name}_tools_stream"))
        first = None
        for chunk in bound.stream([question]):
            first = chunk if first is None else first + chunk
        results = [ToolMessage(get_weather.invoke(tool_call["args"]), tool_call_id=tool_call["id"]) for tool_call in first.tool_calls]
        assert results and "".join(chunk.text for chunk in bound.stream([question, first, *results]))

    def image():
        content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": DATA_URL}}]
        assert model.invoke([HumanMessage(content)]).text

    def structured_json_schema():
        assert model.with_structured_output(City, method="json_schema").invoke("Weather?").city

    def structured_function_calling():
        assert model.with_structured_output(City, method="function_calling").invoke("[call City]").city

    for function in (invoke, stream, tools, tools_stream, image, structured_json_schema, structured_function_calling):
        function.__name__ = f"{name}_{function.__name__}"
        check(function)


both("chat")
both("responses", use_responses_api=True, store=False)


@check
def chat_structured_json_mode():
    assert ChatOpenAI(model="sim-echo").with_structured_output(City, method="json_mode").invoke('{"city": "Berlin"}').city == "Berlin"
