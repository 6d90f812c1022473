"""As much of JSON Schema as openapi.json uses: says where a value is not what the description promises."""

from __future__ import annotations

from typing import Any

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def fits(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool) or name not in ("integer", "number"))


class Description:
    def __init__(self, document: dict[str, Any]):
        self.document = document
        self.operations = {operation["operationId"]: (method.upper(), path, operation)
                           for path, methods in document["paths"].items() for method, operation in methods.items()}

    def problems(self, operation: str, value: Any) -> list[str]:
        """Of the answer that the operation gives when all is well."""
        responses = self.operations[operation][2]["responses"]
        good = next(response for status, response in responses.items() if status.startswith("2"))
        return self.check(next(iter(good["content"].values()))["schema"], value, "")

    def check(self, schema: dict[str, Any], value: Any, at: str) -> list[str]:
        if "$ref" in schema:
            return self.check(self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], value, at)
        if "oneOf" in schema:
            tried = [self.check(one, value, at) for one in schema["oneOf"]]
            return [] if any(not found for found in tried) else min(tried, key=len)
        found = []
        if "const" in schema and value != schema["const"]:
            return [f"{at}: {value!r} is not {schema['const']!r}"]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{at}: {value!r} is none of {schema['enum']}"]
        if kinds := schema.get("type"):
            kinds = [kinds] if isinstance(kinds, str) else kinds
            if not any(fits(value, kind) for kind in kinds):
                return [f"{at}: {value!r} is no {' or '.join(kinds)}"]
        if isinstance(value, dict):
            known = schema.get("properties", {})
            found += [f"{at}/{name} is missing" for name in schema.get("required", ()) if name not in value]
            if known:
                found += [f"{at}/{name} is not described" for name in value if name not in known]
            for name, one in known.items():
                if name in value:
                    found += self.check(one, value[name], f"{at}/{name}")
        if isinstance(value, list):
            for i, one in enumerate(value):
                found += self.check(schema.get("items", {}), one, f"{at}/{i}")
        return found
