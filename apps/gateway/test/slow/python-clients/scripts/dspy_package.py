"""DSPy through LiteLLM: a plain call, a signature, JSON, and the Responses API."""
import dspy
from dspy.utils.exceptions import AdapterParseError

from checks import BASE_URL, MODEL, check


def lm(model=MODEL, **options):
    return dspy.LM(f"openai/{model}", api_base=BASE_URL, api_key="x", cache=False, num_retries=0, **options)


@check
def chat():
    assert lm()("Say hello")[0]


@check
def responses():
    assert lm(model_type="responses")("Say hello")[0]


@check
def predict_json():
    # What the simulator writes follows no signature, so the adapter fails on the text: the requests for JSON before it were served.
    dspy.configure(lm=lm(), adapter=dspy.JSONAdapter())
    try:
        dspy.Predict("question -> answer")(question="Weather?")
    except AdapterParseError as error:
        assert "LM Response" in str(error), error
