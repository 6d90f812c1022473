#include "llm/openai/engine/repairs.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"

namespace segue::llm::openai_engine {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// Without these there is no request left: they are never dropped.
constexpr std::array<std::string_view, 4> kNeeded{"model", "messages", "prompt", "input"};

bool is_needed(std::string_view name) {
    return std::find(kNeeded.begin(), kNeeded.end(), name) != kNeeded.end();
}

/// Names in a pydantic location, in any of its spellings: 'body.a.b', ('body', 'a', 0),
/// ["body","a"]. `text` begins at the location.
std::vector<std::string> location(std::string_view text) {
    std::vector<std::string> names;
    const std::size_t end = text.starts_with('(')   ? text.find(')')
                            : text.starts_with('[') ? text.find(']')
                                                    : text.find_first_of(",}\n");
    std::string name;
    for (const char c : text.substr(0, end)) {
        const bool part = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (part) {
            name += c;
        } else if (!name.empty()) {
            names.push_back(std::move(name));
            name.clear();
        }
    }
    if (!name.empty()) names.push_back(std::move(name));
    if (!names.empty() && names.front() == "body") names.erase(names.begin());
    return names;
}

/// A field of a message is dropped there, not the messages with it.
std::string field_of(const std::vector<std::string>& names) {
    if (names.empty()) return {};
    if (names.front() == "messages") {
        const std::string& last = names.back();
        return last.starts_with("reasoning") ? "messages." + last : std::string();
    }
    return is_needed(names.front()) ? std::string() : names.front();
}

void add(std::vector<std::string>& fields, std::string field) {
    if (!field.empty() && std::find(fields.begin(), fields.end(), field) == fields.end())
        fields.push_back(std::move(field));
}

/// True once: the flag was not set before.
bool set_once(std::atomic<bool>& flag) {
    return !flag.exchange(true);
}

}  // namespace

std::optional<std::int64_t> number_after(std::string_view text, std::string_view before) {
    const std::size_t found = text.find(before);
    if (found == std::string_view::npos) return std::nullopt;
    const char* begin = text.data() + found + before.size();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
    if (error != std::errc{} || end == begin) return std::nullopt;
    return value;
}

std::vector<std::string> unknown_fields(const EngineError& error) {
    std::vector<std::string> fields;
    // vLLM before 0.6.5: a list of pydantic errors in the text.
    if (contains(error.message, "extra_forbidden") ||
        contains(error.message, "Extra inputs are not permitted")) {
        std::string_view rest = error.message;
        while (true) {
            const std::size_t found = rest.find("loc");
            if (found == std::string_view::npos) break;
            rest.remove_prefix(found + 3);
            if (!rest.starts_with('\'') && !rest.starts_with('"')) continue;
            // The error that this location belongs to ends where the next one begins.
            const std::string_view own = rest.substr(0, rest.find("'loc'"));
            const std::string_view before(
                error.message.data(), static_cast<std::size_t>(rest.data() - error.message.data()));
            const std::size_t opening = before.rfind('{');
            const std::string_view head =
                opening == std::string_view::npos ? before : before.substr(opening);
            if (!contains(head, "extra_forbidden") && !contains(own, "Extra inputs")) continue;
            std::string_view place = rest;
            place.remove_prefix(1);
            while (place.starts_with(':') || place.starts_with(' '))
                place.remove_prefix(1);
            add(fields, field_of(location(place)));
        }
        if (fields.empty() && !error.param.empty()) add(fields, field_of(location(error.param)));
        return fields;
    }
    // OpenAI's own words, and those of clouds that copy them.
    static constexpr std::array<std::string_view, 6> kWords{
        "Unrecognized request argument", "Unknown parameter",
        "Unsupported parameter",         "unknown field",
        "unrecognized parameter",        "property is unsupported"};
    const bool says_so = std::any_of(kWords.begin(), kWords.end(), [&](std::string_view words) {
        return contains(error.message, words);
    });
    if (!says_so) return fields;
    if (!error.param.empty()) {
        add(fields, field_of(location(error.param)));
        return fields;
    }
    for (const std::string_view before : {"supplied: ", "parameter: '", "field `", "field \""}) {
        const std::size_t found = error.message.find(before);
        if (found == std::string::npos) continue;
        const auto names = location(std::string_view(error.message).substr(found + before.size()));
        if (!names.empty()) add(fields, field_of({names.front()}));
    }
    return fields;
}

bool learn_from_refusal(const EngineError& error, const Asked& asked, const Target& target) {
    EngineTraits& traits = *target.traits;
    const std::string_view text = error.message;
    bool learned = false;
    for (const std::string& field : unknown_fields(error)) {
        if (traits.refuses(field)) continue;
        traits.refuse_field(field);
        learned = true;
    }
    if (learned) return true;
    if (contains(text, "roles must alternate")) return set_once(traits.join_neighbours);
    if (contains(text, "System role not supported")) return set_once(traits.fold_system);
    if (contains(text, "not supported for Mistral tokenizers") &&
        !traits.refuses("chat_template_kwargs")) {
        traits.refuse_field("chat_template_kwargs");
        return true;
    }
    if (error.param.ends_with("reasoning_effort") || contains(text, "reasoning_effort")) {
        if (traits.refuses("reasoning_effort")) return false;
        // First the three levels that every engine knows; then none.
        const std::string& level = asked.think.level;
        const bool another = level == "max" || level == "xhigh" || level == "minimal";
        if (another && set_once(traits.effort_three_levels)) return true;
        traits.refuse_field("reasoning_effort");
        return true;
    }
    const bool names_format = contains(text, "json_schema") || contains(text, "response_format") ||
                              contains(error.param, "response_format");
    if (asked.format == ResponseFormat::Kind::kJsonSchema && names_format &&
        !contains(text, "Grammar error"))
        return set_once(traits.guided_json);
    return false;
}

}  // namespace segue::llm::openai_engine
