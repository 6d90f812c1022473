from pkg.clients import get_client, llm


def ask(q):
    message = llm.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}]).choices[0].message
    return message.content or ""


def ask_again(q):
    r = get_client().chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}])
    return r.choices[0].message.content or ""
