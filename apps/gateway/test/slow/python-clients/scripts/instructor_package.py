"""instructor: a named tool, a schema, JSON in a prompt, and a tool of the Responses API."""
import instructor
from openai import OpenAI
from pydantic import BaseModel, Field

from checks import MODEL, check


class City(BaseModel):
    city: str = Field(min_length=1)


def ask(mode, model=MODEL, text="[call City]"):
    client = instructor.from_openai(OpenAI(max_retries=0), mode=mode)
    return client.create(model=model, response_model=City, max_retries=0, messages=[{"role": "user", "content": text}])


@check
def tools():
    assert ask(instructor.Mode.TOOLS).city


@check
def json_schema():
    assert ask(instructor.Mode.JSON_SCHEMA).city


@check
def json():
    assert ask(instructor.Mode.JSON, "sim-echo", '{"city": "Berlin"}').city == "Berlin"


@check
def responses_tools():
    assert ask(instructor.Mode.RESPONSES_TOOLS).city
