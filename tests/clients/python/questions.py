"""The questions that the small model knows, and its answers."""

MODEL = "segue-tiny"
FRANCE = "What is the capital of France?"
PARIS = "The capital of France is Paris."
SUM = "What is 3 plus 4?"
SUM_THINKING = "I add 3 and 4. That makes 7."
SUM_ANSWER = "3 plus 4 is 7."
WEATHER = "What is the weather in Paris?"
OBJECT = "Give me a JSON object for Paris."
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Get the weather of a city",
                                         "parameters": PARAMETERS}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "country": {"type": "string"}},
          "required": ["city", "country"]}


def user(text):
    return [{"role": "user", "content": text}]
