#include "llm/ollama/front/names.hpp"

#include <fmt/format.h>

#include <array>

#include "base/text.hpp"

namespace segue::llm {
namespace {

constexpr std::string_view kDefaultHost = "registry.ollama.ai";
constexpr std::string_view kDefaultNamespace = "library";
constexpr std::string_view kDefaultTag = "latest";
constexpr std::size_t kMaxPart = 80;
constexpr std::size_t kMaxHost = 350;

enum class PartKind : std::uint8_t { kHost, kNamespace, kModel, kTag };

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_valid_part(PartKind kind, std::string_view part) {
    if (part.empty() || part.size() > (kind == PartKind::kHost ? kMaxHost : kMaxPart)) return false;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const char c = part[i];
        if (is_alphanumeric(c) || c == '_') continue;
        if (i == 0) return false;
        if (c == '-') continue;
        if (c == '.' && kind != PartKind::kNamespace) continue;
        if (c == ':' && kind == PartKind::kHost) continue;
        return false;
    }
    return true;
}

struct Name {
    std::string_view host = kDefaultHost;
    std::string_view name_space = kDefaultNamespace;
    std::string_view model;
    std::string_view tag = kDefaultTag;
};

std::optional<Name> parse(std::string_view text) {
    Name name;
    text = trim(text);
    // The tag's colon comes after the last slash; an earlier one belongs to the host's port.
    const std::size_t last_slash = text.rfind('/');
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos &&
        (last_slash == std::string_view::npos || colon > last_slash)) {
        name.tag = text.substr(colon + 1);
        text = text.substr(0, colon);
    }
    const std::size_t model_slash = text.rfind('/');
    name.model = model_slash == std::string_view::npos ? text : text.substr(model_slash + 1);
    if (model_slash != std::string_view::npos) {
        text = text.substr(0, model_slash);
        const std::size_t host_slash = text.rfind('/');
        name.name_space = host_slash == std::string_view::npos ? text : text.substr(host_slash + 1);
        if (host_slash != std::string_view::npos) {
            name.host = text.substr(0, host_slash);
            if (const auto scheme = name.host.find("://"); scheme != std::string_view::npos)
                name.host.remove_prefix(scheme + 3);
        }
    }
    if (!is_valid_part(PartKind::kHost, name.host) ||
        !is_valid_part(PartKind::kNamespace, name.name_space) ||
        !is_valid_part(PartKind::kModel, name.model) || !is_valid_part(PartKind::kTag, name.tag))
        return std::nullopt;
    return name;
}

std::string shortest(const Name& name) {
    if (!iequals(name.host, kDefaultHost))
        return fmt::format("{}/{}/{}:{}", name.host, name.name_space, name.model, name.tag);
    if (!iequals(name.name_space, kDefaultNamespace))
        return fmt::format("{}/{}:{}", name.name_space, name.model, name.tag);
    return fmt::format("{}:{}", name.model, name.tag);
}

}  // namespace

std::optional<std::string> canonical_model_name(std::string_view name) {
    const auto parsed = parse(name);
    if (!parsed) return std::nullopt;
    return to_lower(shortest(*parsed));
}

std::string full_model_name(std::string_view name) {
    const auto parsed = parse(name);
    if (!parsed) return std::string(name);
    return fmt::format("{}/{}/{}:{}", parsed->host, parsed->name_space, parsed->model, parsed->tag);
}

std::string short_model_name(std::string_view name) {
    const auto parsed = parse(name);
    return parsed ? shortest(*parsed) : std::string(name);
}

bool has_both_source_suffixes(std::string_view name) {
    name = trim(name);
    const auto strip = [&name](std::string_view ending) {
        if (name.size() < ending.size() ||
            !iequals(name.substr(name.size() - ending.size()), ending))
            return false;
        name.remove_suffix(ending.size());
        return true;
    };
    const auto strip_cloud = [&] { return strip(":cloud") || strip("-cloud"); };
    if (strip(":local")) return strip_cloud();
    return strip_cloud() && strip(":local");
}

}  // namespace segue::llm
