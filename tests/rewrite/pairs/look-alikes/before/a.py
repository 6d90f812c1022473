from dollama import x


def MoveToLlamaIndex():
    return 114340
