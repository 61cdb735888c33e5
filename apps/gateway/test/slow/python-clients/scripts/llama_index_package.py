"""LlamaIndex: OpenAILike as a chat model, and OpenAIResponses."""
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

from checks import BASE_URL, DATA_URL, MODEL, call, check

like = OpenAILike(model=MODEL, api_base=BASE_URL, api_key="x", is_chat_model=True, is_function_calling_model=True, max_retries=0)
responses = OpenAIResponses(model=MODEL, api_base=BASE_URL, api_key="x", max_retries=0, context_window=200_000)


class City(BaseModel):
    """A city."""

    city: str


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"fine in {city}"


@check
def chat():
    assert like.complete("Say hello").text and like.chat([ChatMessage(role="user", content="Say hello")]).message.content


@check
def chat_stream():
    assert list(like.stream_complete("Say hello"))[-1].text


def tool_loop(model, name):
    tools = [FunctionTool.from_defaults(get_weather)]
    question = ChatMessage(role="user", content=call(name))
    answer = model.chat_with_tools(tools, chat_history=[question], tool_required=True)
    calls = model.get_tool_calls_from_response(answer)
    assert calls[0].tool_name == "get_weather"
    results = [ChatMessage(role="tool", content="fine", additional_kwargs={"tool_call_id": tool_call.tool_id}) for tool_call in calls]
    assert model.chat_with_tools(tools, chat_history=[question, answer.message, *results]).message.content


@check
def chat_tools():
    tool_loop(like, "chat_tools")


@check
def responses_tools():
    tool_loop(responses, "responses_tools")


def see(model):
    return model.chat([ChatMessage(role="user", blocks=[TextBlock(text="What is this?"), ImageBlock(url=DATA_URL)])]).message.content


@check
def chat_image():
    assert see(like)


@check
def responses_image():
    assert see(responses)


@check
def responses_structured():
    assert responses.as_structured_llm(City).complete("[call City]").raw.city


@check
def chat_structured():
    assert like.as_structured_llm(City).complete("[call City]").raw.city


@check
def completions_are_explained():
    try:
        OpenAILike(model=MODEL, api_base=BASE_URL, api_key="x", max_retries=0).complete("Say hello")
    except Exception as error:
        assert "is_chat_model=True" in str(error), error
    else:
        raise AssertionError("legacy completions are not served")


@check
def response():
    assert responses.complete("Say hello").text and list(responses.stream_complete("Say hello"))[-1].text
