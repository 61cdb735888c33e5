"""langchain-openai, over both protocols."""
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

from checks import CALL, MODEL, check


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
        question = HumanMessage(CALL)
        first = bound.invoke([question])
        results = [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in first.tool_calls]
        assert results and model.bind_tools([get_weather]).invoke([question, first, *results]).text

    def structured_json_schema():
        assert model.with_structured_output(City, method="json_schema").invoke("Weather?").city

    def structured_function_calling():
        assert model.with_structured_output(City, method="function_calling").invoke("[call City]").city

    for function in (invoke, stream, tools, structured_json_schema, structured_function_calling):
        function.__name__ = f"{name}_{function.__name__}"
        check(function)


both("chat")
both("responses", use_responses_api=True, store=False)


@check
def chat_structured_json_mode():
    assert ChatOpenAI(model="sim-echo").with_structured_output(City, method="json_mode").invoke('{"city": "Berlin"}').city == "Berlin"
