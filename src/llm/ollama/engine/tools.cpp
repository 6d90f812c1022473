#include "llm/ollama/engine/tools.hpp"

#include "base/json.hpp"

namespace segue::llm::ollama {
namespace {

/// The name of a property may be "type" too; only a list of strings is a list of types.
json::Value first_type(json::Value value) {
    json::Value first;
    if (!value.is_array()) return {};
    for (const json::Value type : value) {
        if (!type.is_string()) return {};
        if (!first && type.string() != "null") first = type;
    }
    return first;
}

void copy(json::Value value, json::Writer& writer) {
    if (value.is_object()) {
        writer.begin_object();
        for (const json::Value member : value) {
            writer.key(member.key());
            const json::Value type = member.key() == "type" ? first_type(member) : json::Value{};
            if (type)
                writer.raw(type.raw());
            else
                copy(member, writer);
        }
        writer.end_object();
    } else if (value.is_array()) {
        writer.begin_array();
        for (const json::Value element : value)
            copy(element, writer);
        writer.end_array();
    } else {
        writer.raw(value.raw());
    }
}

}  // namespace

std::string single_types(std::string_view tool_json) {
    json::Parser parser;
    const auto tool = parser.parse(tool_json);
    if (!tool) return std::string(tool_json);
    std::string out;
    json::Writer writer(out);
    copy(*tool, writer);
    return out;
}

}  // namespace segue::llm::ollama
