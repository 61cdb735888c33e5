"""LlamaIndex: OpenAILike as a chat model, and OpenAIResponses."""
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

from checks import BASE_URL, CALL, MODEL, check

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


@check
def chat_tools():
    answer = like.chat_with_tools([FunctionTool.from_defaults(get_weather)], user_msg=CALL, tool_required=True)
    assert like.get_tool_calls_from_response(answer)[0].tool_name == "get_weather"


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
