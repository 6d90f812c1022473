#include "engine/rehearsal/shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/rehearsal/passages.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr int kDeepest = 24;
constexpr std::array<std::string_view, 7> kTypes{"string", "number", "integer", "boolean",
                                                 "object", "array",  "null"};

class Filler {
public:
    Filler(json::Value root, const Material& material) : root_(root), material_(material) {}

    std::string fill(json::Value schema, int depth) {
        schema = resolve(schema);
        if (depth > kDeepest || !schema.is_object()) return "null";
        if (json::Value constant = schema["const"]) return std::string(constant.raw());
        if (json::Value list = schema["enum"]; list.is_array() && !list.empty()) return pick(list);
        for (std::string_view name : {"anyOf", "oneOf", "allOf"}) {
            if (json::Value list = schema[name]; list.is_array() && !list.empty()) {
                return fill(list.at(0), depth + 1);
            }
        }
        const std::string_view type = type_of(schema);
        if (type == "object") return object(schema, depth);
        if (type == "array") return array(schema, depth);
        if (type == "integer" || type == "number") return number(schema);
        if (type == "boolean") return "true";
        if (type == "null") return "null";
        return string(schema);
    }

private:
    json::Value resolve(json::Value schema) const {
        for (int hops = 0; hops < kDeepest; ++hops) {
            const std::string_view reference = schema["$ref"].string();
            if (reference.substr(0, 2) != "#/") return schema;
            json::Value target = root_;
            std::string_view path = reference.substr(2);
            while (!path.empty() && target) {
                const std::size_t slash = path.find('/');
                target = target[path.substr(0, slash)];
                path =
                    slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
            }
            if (!target) return schema;
            schema = target;
        }
        return schema;
    }

    static std::string_view type_of(json::Value schema) {
        json::Value type = schema["type"];
        if (type.is_string()) return type.string();
        for (json::Value one : type) {
            if (one.string() != "null") return one.string();
        }
        if (schema["properties"]) return "object";
        return schema["items"] ? "array" : "string";
    }

    std::string pick(json::Value list) const {
        for (const std::string& word : material_.words) {
            for (json::Value one : list) {
                if (one.string() == word) return std::string(one.raw());
            }
        }
        return std::string(list.at(0).raw());
    }

    std::string object(json::Value schema, int depth) {
        std::string out = "{";
        const json::Value required = schema["required"];
        for (json::Value property : schema["properties"]) {
            const bool wanted =
                !required.is_array() ||
                std::any_of(required.begin(), required.end(),
                            [&](json::Value name) { return name.string() == property.key(); });
            if (!wanted) continue;
            if (out.size() > 1) out += ", ";
            out += json::quoted(property.key()) + ": " + fill(property, depth + 1);
        }
        return out + "}";
    }

    std::string array(json::Value schema, int depth) {
        const auto least = schema["minItems"].integer().value_or(1);
        const auto most = schema["maxItems"].integer().value_or(least);
        std::string out = "[";
        for (std::int64_t i = 0; i < std::clamp<std::int64_t>(least, 0, most) && i < 64; ++i) {
            if (i > 0) out += ", ";
            out += fill(schema["items"], depth + 1);
        }
        return out + "]";
    }

    std::string number(json::Value schema) {
        const auto low = schema["minimum"].number();
        const auto high = schema["maximum"].number();
        if (next_number_ < material_.numbers.size()) {
            const std::string& text = material_.numbers[next_number_++];
            const double value = std::stod(text);
            if ((!low || value >= *low) && (!high || value <= *high)) return text;
        }
        if (low) return std::string(schema["minimum"].raw());
        if (high && *high < 1) return std::string(schema["maximum"].raw());
        return "1";
    }

    std::string string(json::Value schema) {
        const std::string_view format = schema["format"].string();
        if (format == "date") return "\"2026-01-01\"";
        if (format == "date-time") return "\"2026-01-01T00:00:00Z\"";
        if (format == "email") return "\"rehearsal@example.com\"";
        if (format == "uri" || format == "url") return "\"https://example.com/\"";
        if (format == "uuid") return "\"00000000-0000-4000-8000-000000000000\"";
        std::string text = "rehearsal";
        if (!material_.words.empty()) text = material_.words[next_word_++ % material_.words.size()];
        const auto least = static_cast<std::size_t>(schema["minLength"].integer().value_or(0));
        while (text.size() < std::min<std::size_t>(least, 4096))
            text += text;
        if (const auto most = schema["maxLength"].integer(); most && *most >= 0) {
            text = text.substr(0, static_cast<std::size_t>(*most));
        }
        return json::quoted(text);
    }

    json::Value root_;
    const Material& material_;
    std::size_t next_word_ = 0;
    std::size_t next_number_ = 0;
};

void collect_numbers(std::string_view text, std::vector<std::string>& out) {
    std::size_t at = 0;
    while ((at = text.find_first_of("0123456789", at)) != std::string_view::npos &&
           out.size() < 32) {
        const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
        // A leading zero is no JSON number, and a long run is a name rather than an amount.
        if (end - at <= 15 && (text[at] != '0' || end - at == 1))
            out.emplace_back(text.substr(at, end - at));
        at = end;
    }
}

}  // namespace

Material material_from(std::string_view question, std::string_view context) {
    Material out;
    out.words = capitalised_words(question);
    for (std::string& word : capitalised_words(context)) {
        if (out.words.size() < 64) out.words.push_back(std::move(word));
    }
    if (out.words.empty()) out.words = meaning_words(question);
    collect_numbers(question, out.numbers);
    collect_numbers(context, out.numbers);
    return out;
}

std::string fill_schema(json::Value schema, const Material& material) {
    return Filler(schema, material).fill(schema, 0);
}

std::optional<std::string> schema_problem(json::Value schema) {
    if (!schema.is_object()) return "schema must be an object";
    if (json::Value type = schema["type"]; type.is_string()) {
        if (std::find(kTypes.begin(), kTypes.end(), type.string()) == kTypes.end()) {
            return fmt::format("Invalid type: {}", type.string());
        }
    }
    for (json::Value property : schema["properties"]) {
        if (!property.is_object()) continue;
        if (auto problem = schema_problem(property)) return problem;
    }
    if (json::Value items = schema["items"]; items.is_object()) return schema_problem(items);
    return {};
}

}  // namespace segue::engine::rehearsal
