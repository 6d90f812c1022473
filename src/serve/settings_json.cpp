#include "serve/settings_json.hpp"

#include <map>

#include "base/json.hpp"

namespace segue::serve {
namespace {

/// Members of objects by their path ("limits.max_body"); lists as one value.
void flatten(json::Value value, const std::string& path, std::map<std::string, std::string>& out) {
    if (value.is_object() && !value.empty()) {
        for (const auto member : value)
            flatten(
                member,
                path.empty() ? std::string(member.key()) : path + "." + std::string(member.key()),
                out);
        return;
    }
    out[path] = value.is_string() ? std::string(value.string()) : std::string(value.raw());
}

std::map<std::string, std::string> values_of(const Config& config) {
    std::map<std::string, std::string> out;
    json::Parser parser;
    if (const auto root = parser.parse(show_config_json(config))) flatten(*root, "", out);
    return out;
}

/// limits.max_body → SEGUE_LIMITS_MAX_BODY
std::string environment_name(const std::string& path) {
    std::string out = "SEGUE_";
    for (const char c : path)
        out += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
}

}  // namespace

std::string settings_json(const Config& config, const Environment& environment) {
    const auto values = values_of(config);
    const auto defaults = values_of(Config{});
    return json::object([&](json::Writer& w) {
        w.key("settings").begin_array();
        for (const auto& [name, value] : values) {
            const std::string variable = environment_name(name);
            const auto usual = defaults.find(name);
            const bool changed = usual == defaults.end() || usual->second != value;
            w.begin_object().member("name", name).member("value", value);
            w.member("source", environment(variable) ? "environment"
                               : !changed            ? "default"
                               : config.file.empty() ? "flag"
                                                     : "file");
            w.member("environment", variable).end_object();
        }
        w.end_array().key("file");
        config.file.empty() ? w.null() : w.string(config.file);
    });
}

}  // namespace segue::serve
