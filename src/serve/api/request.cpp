#include "serve/api/request.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/check.hpp"
#include "base/text.hpp"

namespace segue::serve::api {

const std::string& Request::parameter(std::string_view name) const {
    for (const auto& [its_name, value] : parameters)
        if (its_name == name) return value;
    SEGUE_CHECK(false && "the route has no such parameter");
    static const std::string none;
    return none;
}

std::optional<std::string> Request::query(std::string_view name) const {
    for (const auto part : split(head.query, '&')) {
        const auto equals = std::min(part.find('='), part.size());
        if (percent_decode(part.substr(0, equals)) != name) continue;
        const auto value = equals == part.size() ? std::string_view{} : part.substr(equals + 1);
        return replace_invalid_utf8(percent_decode(replace_all(value, "+", " ")));
    }
    return std::nullopt;
}

Result<std::int64_t> Request::query_number(std::string_view name, std::int64_t otherwise,
                                           std::int64_t least, std::int64_t most) const {
    const auto given = query(name);
    if (!given || given->empty()) return otherwise;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), value);
    if (error != std::errc{} || end != given->data() + given->size() || value < least ||
        value > most)
        return fail(Fault::kInvalid,
                    fmt::format("{} must be a whole number from {} to {}, not '{}'", name, least,
                                most, given->substr(0, 40)));
    return value;
}

std::string_view Request::cookie(std::string_view name) const {
    for (const auto& [header, value] : head.headers.entries()) {
        if (!iequals(header, "Cookie")) continue;
        for (const auto part : split(value, ';')) {
            const auto pair = trim(part);
            if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
                return pair.substr(name.size() + 1);
        }
    }
    return {};
}

Result<Body> Body::parse(std::string_view text) {
    Body body;
    if (trim(text).empty()) text = "{}";
    auto root = body.parser_.parse(text);
    if (!root)
        return fail(Fault::kInvalid,
                    fmt::format("the request body is not valid JSON: {} (at byte {})",
                                root.error().reason, root.error().offset));
    if (!root->is_object()) return fail(Fault::kInvalid, "the request body must be a JSON object");
    body.root_ = *root;
    return body;
}

void Body::complain(std::string text) {
    if (complaint_.empty()) complaint_ = std::move(text);
}

Result<void> Body::problem() const {
    if (complaint_.empty()) return {};
    return fail(Fault::kInvalid, complaint_);
}

std::string Body::text(std::string_view name, std::size_t most) {
    const auto value = root_[name];
    if (value.absent()) return {};
    if (!value.is_string()) {
        complain(fmt::format("{} must be a text", name));
        return {};
    }
    if (value.string().size() > most) {
        complain(fmt::format("{} has {} bytes; at most {} are taken", name, value.string().size(),
                             most));
        return {};
    }
    // PostgreSQL's text has no U+0000.
    return replace_all(value.string(), std::string_view("\0", 1), "\xEF\xBF\xBD");
}

std::string Body::needed_text(std::string_view name, std::size_t most) {
    std::string value = text(name, most);
    if (trim(value).empty()) complain(fmt::format("{} is missing", name));
    return value;
}

std::optional<bool> Body::boolean(std::string_view name) {
    const auto value = root_[name];
    if (value.absent()) return std::nullopt;
    if (!value.is_bool()) {
        complain(fmt::format("{} must be true or false", name));
        return std::nullopt;
    }
    return value.boolean();
}

std::optional<std::int64_t> Body::integer(std::string_view name, std::int64_t least,
                                          std::int64_t most) {
    const auto value = root_[name];
    if (value.absent()) return std::nullopt;
    const auto number = value.integer();
    if (!number || *number < least || *number > most) {
        complain(fmt::format("{} must be a whole number from {} to {}", name, least, most));
        return std::nullopt;
    }
    return number;
}

std::vector<std::string> Body::texts(std::string_view name, std::size_t most) {
    std::vector<std::string> out;
    const auto value = root_[name];
    if (value.absent()) return out;
    if (!value.is_array() || value.size() > most) {
        complain(fmt::format("{} must be a list of at most {} texts", name, most));
        return out;
    }
    for (const auto one : value) {
        if (!one.is_string() || one.string().size() > 4096) {
            complain(fmt::format("{} must be a list of texts", name));
            return {};
        }
        out.push_back(replace_all(one.string(), std::string_view("\0", 1), "\xEF\xBF\xBD"));
    }
    return out;
}

}  // namespace segue::serve::api
