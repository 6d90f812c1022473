from pkg.clients import get_client, llm


def ask(q):
    message = llm.chat(model="llama3.1:8b", messages=[{"role": "user", "content": q}])["message"]
    return message["content"]


def ask_again(q):
    r = get_client().chat(model="llama3.1:8b", messages=[{"role": "user", "content": q}])
    return r["message"]["content"]
