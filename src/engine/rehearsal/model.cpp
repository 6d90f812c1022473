#include "engine/rehearsal/model.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::size_t kLongestPart = 80;

bool is_good_part(std::string_view part) {
    if (part.empty() || part.size() > kLongestPart) return false;
    const auto is_alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    if (!is_alphanumeric(part.front())) return false;
    return std::all_of(part.begin(), part.end(),
                       [&](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

}  // namespace

std::optional<std::string> normal_model_name(std::string_view name) {
    name = trim(name);
    std::string_view tag = "latest";
    const std::size_t slash = name.rfind('/');
    const std::size_t colon = name.rfind(':');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
        tag = name.substr(colon + 1);
        name = name.substr(0, colon);
    }
    std::vector<std::string_view> parts = split(name, '/');
    if (parts.empty() || parts.size() > 3 || !is_good_part(tag) || !is_good_part(parts.back()))
        return {};
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const std::size_t port =
            parts.size() == 3 && i == 0 ? parts[i].find(':') : std::string_view::npos;
        if (!is_good_part(parts[i].substr(0, port))) return {};
    }
    if (parts.size() == 3 && iequals(parts[0], "registry.ollama.ai")) parts.erase(parts.begin());
    if (parts.size() == 2 && iequals(parts[0], "library")) parts.erase(parts.begin());
    std::string out;
    for (std::string_view part : parts) {
        if (!out.empty()) out += '/';
        out += part;
    }
    return out + ":" + std::string(tag);
}

ModelShelf::ModelShelf(const std::vector<std::string>& names, WallTime now) {
    for (const std::string& name : names) {
        RehearsalModel model;
        model.name = normal_model_name(name).value_or(name);
        model.modified = now;
        put(std::move(model));
    }
}

RehearsalModel* ModelShelf::find(std::string_view name) {
    const std::string wanted = normal_model_name(name).value_or(std::string(name));
    for (RehearsalModel& model : models_) {
        if (iequals(model.name, wanted)) return &model;
    }
    return nullptr;
}

RehearsalModel& ModelShelf::put(RehearsalModel model) {
    model.digest =
        sha256_hex("rehearsal\n" + model.system + "\n" + model.template_text + "\n" +
                   model.parameters + "\n" + (model.parent.empty() ? model.name : model.parent));
    if (RehearsalModel* known = find(model.name)) {
        *known = std::move(model);
        return *known;
    }
    models_.push_back(std::move(model));
    return models_.back();
}

bool ModelShelf::remove(std::string_view name) {
    const RehearsalModel* model = find(name);
    if (!model) return false;
    models_.erase(models_.begin() + (model - models_.data()));
    return true;
}

std::vector<const RehearsalModel*> ModelShelf::list() const {
    std::vector<const RehearsalModel*> out;
    for (const RehearsalModel& model : models_)
        out.push_back(&model);
    std::stable_sort(out.begin(), out.end(),
                     [](const auto* a, const auto* b) { return a->modified > b->modified; });
    return out;
}

}  // namespace segue::engine::rehearsal
