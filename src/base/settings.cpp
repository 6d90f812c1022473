#include "base/settings.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "base/json.hpp"
#include "base/text.hpp"

namespace segue {
namespace {

struct Unit {
    std::string_view name;
    double factor;
};

std::optional<double> with_unit(std::string_view text, std::span<const Unit> units, double bare) {
    text = trim(text);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value < 0 || !std::isfinite(value)) return std::nullopt;
    const std::string_view unit =
        trim(std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end)));
    if (unit.empty()) return value * bare;
    for (const auto& known : units)
        if (iequals(unit, known.name)) return value * known.factor;
    return std::nullopt;
}

std::string environment_name(std::string_view path) {
    std::string name = "SEGUE_";
    for (const char c : path)
        name += c == '.' || c == '-'
                    ? '_'
                    : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    return name;
}

std::optional<bool> to_bool(std::string_view text) {
    for (const auto* word : {"true", "yes", "on", "1"})
        if (iequals(text, word)) return true;
    for (const auto* word : {"false", "no", "off", "0"})
        if (iequals(text, word)) return false;
    return std::nullopt;
}

template <class Number>
std::optional<Number> to_number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// A YAML scalar as JSON: quoted ones are strings, plain ones what they look like.
std::string scalar_as_json(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    const bool quoted_scalar = node.Tag() == "!";
    if (!quoted_scalar) {
        if (text == "true" || text == "false" || text == "null") return text;
        if (text == "~" || text.empty()) return "null";
        if (json::is_valid(text) && text.front() != '"' && text.front() != '[' &&
            text.front() != '{')
            return text;
    }
    return json::quoted(text);
}

}  // namespace

std::string SettingIssue::to_string() const {
    if (line == 0) return fmt::format("{}: {}", source, message);
    return fmt::format("{}:{}:{}: {}", source, line, column, message);
}

Environment process_environment() {
    return [](std::string_view name) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(name).c_str());
        if (!value) return std::nullopt;
        return std::string(value);
    };
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    static constexpr Unit kUnits[] = {{"ms", 1},     {"s", 1e3},    {"m", 60e3},
                                      {"min", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    const auto value = with_unit(text, kUnits, 1e3);
    if (!value || *value > 1e15) return std::nullopt;
    return std::chrono::milliseconds(std::llround(*value));
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
    static constexpr Unit kUnits[] = {
        {"b", 1},    {"k", 1024},      {"kb", 1e3},         {"kib", 1024}, {"m", 1048576},
        {"mb", 1e6}, {"mib", 1048576}, {"g", 1073741824.0}, {"gb", 1e9},   {"gib", 1073741824.0}};
    const auto value = with_unit(text, kUnits, 1);
    if (!value || *value > 9e18) return std::nullopt;
    return static_cast<std::int64_t>(*value);
}

struct Settings::Impl {
    YAML::Node node;  // a mapping, or undefined
    std::string source;
    std::string path;  // "" at the top, "limits" below
    Environment environment;
    std::vector<SettingIssue>* issues;
    std::set<std::string, std::less<>> asked;
    YAML::Mark mark{};

    std::string full(std::string_view key) const {
        return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
    }
    YAML::Node child(std::string_view key) {
        asked.emplace(key);
        if (!node.IsDefined() || !node.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
        const YAML::Node& fixed = node;  // operator[] on a non-const node would insert
        return fixed[std::string(key)];
    }
    void complain_at(const YAML::Mark& at, std::string message) {
        issues->push_back({source, at.is_null() ? 0 : at.line + 1, at.is_null() ? 0 : at.column + 1,
                           std::move(message)});
    }

    /// The scalar of `key` from environment or file, converted; a bad one becomes an issue.
    template <class T, class Convert>
    std::optional<T> scalar(std::string_view key, std::string_view wanted, Convert&& convert) {
        const YAML::Node found = child(key);
        if (environment && path.find('[') == std::string::npos) {
            const std::string name = environment_name(full(key));
            if (const auto value = environment(name)) {
                if (auto converted = convert(*value)) return converted;
                issues->push_back({name, 0, 0, fmt::format("'{}' is not {}", *value, wanted)});
                return std::nullopt;
            }
        }
        if (!found.IsDefined() || found.IsNull()) return std::nullopt;
        if (!found.IsScalar()) {
            complain_at(found.Mark(), fmt::format("'{}' must be {}", full(key), wanted));
            return std::nullopt;
        }
        auto converted = convert(found.Scalar());
        if (!converted)
            complain_at(found.Mark(), fmt::format("'{}' must be {}, not '{}'", full(key), wanted,
                                                  found.Scalar()));
        return converted;
    }
};

Settings::Settings(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
Settings::~Settings() = default;
Settings::Settings(Settings&&) noexcept = default;
Settings& Settings::operator=(Settings&&) noexcept = default;

Settings Settings::parse(std::string_view text, std::string source, Environment environment,
                         std::vector<SettingIssue>& issues) {
    auto impl = std::make_unique<Impl>();
    impl->source = std::move(source);
    impl->environment = std::move(environment);
    impl->issues = &issues;
    try {
        impl->node = YAML::Load(std::string(text));
        if (impl->node.IsDefined() && !impl->node.IsNull() && !impl->node.IsMap()) {
            impl->complain_at(impl->node.Mark(), "the file must be a mapping of keys to values");
            impl->node = YAML::Node();
        }
    } catch (const YAML::Exception& error) {
        impl->complain_at(error.mark, error.msg);
        impl->node = YAML::Node();
    }
    return Settings(std::move(impl));
}

std::optional<std::string> Settings::string(std::string_view key) {
    return impl_->scalar<std::string>(
        key, "text", [](const std::string& text) { return std::optional<std::string>(text); });
}

std::optional<std::int64_t> Settings::integer(std::string_view key, std::int64_t low,
                                              std::int64_t high) {
    const std::string wanted = high == std::numeric_limits<std::int64_t>::max()
                                   ? fmt::format("a whole number from {}", low)
                                   : fmt::format("a whole number from {} to {}", low, high);
    return impl_->scalar<std::int64_t>(key, wanted, [&](const std::string& text) {
        auto value = to_number<std::int64_t>(text);
        if (value && (*value < low || *value > high)) value.reset();
        return value;
    });
}

std::optional<double> Settings::number(std::string_view key, double low, double high) {
    return impl_->scalar<double>(key, fmt::format("a number from {} to {}", low, high),
                                 [&](const std::string& text) {
                                     auto value = to_number<double>(text);
                                     if (value && !(*value >= low && *value <= high)) value.reset();
                                     return value;
                                 });
}

std::optional<bool> Settings::boolean(std::string_view key) {
    return impl_->scalar<bool>(key, "true or false",
                               [](const std::string& text) { return to_bool(text); });
}

std::optional<std::chrono::milliseconds> Settings::duration(std::string_view key) {
    return impl_->scalar<std::chrono::milliseconds>(
        key, "a time such as 500ms, 10s or 5m",
        [](const std::string& text) { return parse_duration(text); });
}

std::optional<std::int64_t> Settings::bytes(std::string_view key) {
    return impl_->scalar<std::int64_t>(key, "a size such as 64MiB",
                                       [](const std::string& text) { return parse_bytes(text); });
}

std::optional<std::size_t> Settings::choice(std::string_view key,
                                            std::span<const std::string_view> names) {
    std::string wanted = "one of ";
    for (std::size_t i = 0; i < names.size(); ++i)
        wanted += (i ? ", " : "") + std::string(names[i]);
    return impl_->scalar<std::size_t>(key, wanted, [&](const std::string& text) {
        for (std::size_t i = 0; i < names.size(); ++i)
            if (iequals(names[i], text)) return std::optional<std::size_t>(i);
        return std::optional<std::size_t>();
    });
}

std::optional<std::vector<std::string>> Settings::strings(std::string_view key) {
    const YAML::Node found = impl_->child(key);
    if (impl_->environment && impl_->path.find('[') == std::string::npos) {
        if (const auto value = impl_->environment(environment_name(impl_->full(key)))) {
            std::vector<std::string> parts;
            for (const auto part : split(*value, ','))
                if (!trim(part).empty()) parts.emplace_back(trim(part));
            return parts;
        }
    }
    if (!found.IsDefined() || found.IsNull()) return std::nullopt;
    std::vector<std::string> parts;
    if (found.IsScalar()) return std::vector<std::string>{found.Scalar()};
    if (!found.IsSequence()) {
        complain(key, fmt::format("'{}' must be a list", impl_->full(key)));
        return std::nullopt;
    }
    for (const auto& item : found) {
        if (item.IsScalar()) {
            parts.push_back(item.Scalar());
        } else {
            impl_->complain_at(item.Mark(),
                               fmt::format("'{}' must be a list of texts", impl_->full(key)));
        }
    }
    return parts;
}

std::optional<Settings> Settings::section(std::string_view key) {
    const YAML::Node found = impl_->child(key);
    auto impl = std::make_unique<Impl>();
    if (found.IsDefined() && !found.IsNull()) {
        if (!found.IsMap()) {
            complain(key, fmt::format("'{}' must be a mapping", impl_->full(key)));
            return std::nullopt;
        }
        impl->node.reset(found);
        impl->mark = found.Mark();
    } else if (!impl_->environment) {
        return std::nullopt;
    }
    impl->source = impl_->source;
    impl->path = impl_->full(key);
    impl->environment = impl_->environment;
    impl->issues = impl_->issues;
    return Settings(std::move(impl));
}

std::vector<Settings> Settings::list(std::string_view key) {
    std::vector<Settings> items;
    const YAML::Node found = impl_->child(key);
    if (!found.IsDefined() || found.IsNull()) return items;
    if (!found.IsSequence()) {
        complain(key, fmt::format("'{}' must be a list", impl_->full(key)));
        return items;
    }
    std::size_t position = 0;
    for (const auto& item : found) {
        if (!item.IsMap()) {
            impl_->complain_at(
                item.Mark(), fmt::format("each entry of '{}' must be a mapping", impl_->full(key)));
            continue;
        }
        auto impl = std::make_unique<Impl>();
        impl->node.reset(item);
        impl->mark = item.Mark();
        impl->source = impl_->source;
        impl->path = fmt::format("{}[{}]", impl_->full(key), position++);
        impl->environment = impl_->environment;
        impl->issues = impl_->issues;
        items.push_back(Settings(std::move(impl)));
    }
    return items;
}

std::vector<std::pair<std::string, std::string>> Settings::scalars(std::string_view key) {
    std::vector<std::pair<std::string, std::string>> members;
    const YAML::Node found = impl_->child(key);
    if (!found.IsDefined() || found.IsNull()) return members;
    if (!found.IsMap()) {
        complain(key, fmt::format("'{}' must be a mapping", impl_->full(key)));
        return members;
    }
    for (const auto& member : found) {
        const std::string name = member.first.IsScalar() ? member.first.Scalar() : "";
        if (member.second.IsScalar() || member.second.IsNull()) {
            members.emplace_back(name,
                                 member.second.IsNull() ? "null" : scalar_as_json(member.second));
        } else if (member.second.IsSequence()) {
            std::string text = "[";
            for (const auto& item : member.second) {
                if (text.size() > 1) text += ',';
                text += item.IsScalar() ? scalar_as_json(item) : "null";
            }
            members.emplace_back(name, text + "]");
        } else {
            impl_->complain_at(
                member.second.Mark(),
                fmt::format("'{}.{}' must be a value or a list", impl_->full(key), name));
        }
    }
    return members;
}

bool Settings::has(std::string_view key) const {
    const YAML::Node& node = impl_->node;
    return node.IsDefined() && node.IsMap() && node[std::string(key)].IsDefined();
}

void Settings::complain(std::string_view key, std::string message) {
    YAML::Mark mark = impl_->mark;
    if (!key.empty() && has(key)) {
        const YAML::Node& node = impl_->node;
        mark = node[std::string(key)].Mark();
    }
    impl_->complain_at(mark, std::move(message));
}

void Settings::finish() {
    if (!impl_->node.IsDefined() || !impl_->node.IsMap()) return;
    const std::vector<std::string_view> known(impl_->asked.begin(), impl_->asked.end());
    std::set<std::string> seen;
    for (const auto& member : impl_->node) {
        const std::string name = member.first.IsScalar() ? member.first.Scalar() : "";
        if (!seen.insert(name).second)
            impl_->complain_at(member.first.Mark(),
                               fmt::format("'{}' is given twice", impl_->full(name)));
        if (impl_->asked.contains(name)) continue;
        const auto close = nearest(name, known);
        impl_->complain_at(
            member.first.Mark(),
            close ? fmt::format("unknown key '{}'; did you mean '{}'?", impl_->full(name), *close)
                  : fmt::format("unknown key '{}'; known here: {}", impl_->full(name),
                                fmt::join(known, ", ")));
    }
}

}  // namespace segue
