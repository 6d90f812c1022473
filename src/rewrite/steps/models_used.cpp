#include "rewrite/steps/models_used.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/models.hpp"

namespace segue::rewrite {
namespace {

/// "OLLAMA_EMBED_MODEL" in `OLLAMA_EMBED_MODEL: ${…:-tag}`, `X=tag`, `env("X", "tag")`.
std::string variable_before(std::string_view before) {
    for (std::size_t end = before.size(); end > 0;) {
        while (end > 0 && !(std::isupper(static_cast<unsigned char>(before[end - 1])) != 0 ||
                            before[end - 1] == '_'))
            --end;
        auto begin = end;
        while (begin > 0 && (std::isupper(static_cast<unsigned char>(before[begin - 1])) != 0 ||
                             std::isdigit(static_cast<unsigned char>(before[begin - 1])) != 0 ||
                             before[begin - 1] == '_'))
            --begin;
        const auto name = before.substr(begin, end - begin);
        if (name.size() > 4 && name.find('_') != name.npos) return std::string(name);
        end = begin;
    }
    return {};
}

template <class Wanted>
std::vector<UsedModel> models_in_findings(const Workspace& workspace, const Context& context,
                                          const Wanted& wanted) {
    std::vector<UsedModel> models;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.form.doc || file.form.test) continue;
        const std::string_view text = file.text;
        for (const auto& finding : context.report.findings) {
            if (finding.path != path || finding.level == audit::Level::kNote || !wanted(finding))
                continue;
            const auto begin = line_begin(text, finding.byte_start);
            const auto line = line_around(text, begin);
            const bool named = finding.rule == 107 || finding.rule == 111 || finding.rule == 105 ||
                               finding.rule == 110 || finding.rule == 117;
            const auto places = models_in(line, named ? Families::kYes : Families::kNo);
            for (const auto& place : places) {
                auto tag = line.substr(place.begin, place.end - place.begin);
                for (const std::string_view provider : {"ollama_chat/", "ollama/", "hosted_vllm/"})
                    if (tag.starts_with(provider)) tag.remove_prefix(provider.size());
                const auto variable = variable_before(line.substr(0, place.begin));
                const auto known = model_for(tag, context.settings.models);
                UsedModel model{std::string(tag), known ? known->id : "", variable,
                                known ? known->embeds : tag.find("embed") != tag.npos,
                                known ? known->context : 0};
                const auto same = std::find_if(models.begin(), models.end(), [&](const auto& m) {
                    return m.id.empty() ? m.tag == model.tag : m.id == model.id;
                });
                if (same == models.end())
                    models.push_back(std::move(model));
                else if (same->variable.empty() || same->variable.size() > variable.size())
                    if (!variable.empty()) same->variable = variable;
            }
        }
    }
    const auto rank = [](const UsedModel& model) {
        if (model.embeds) return 3;
        if (model.variable == "OLLAMA_MODEL") return 0;
        return model.variable.ends_with("OLLAMA_MODEL") ? 1 : 2;
    };
    std::stable_sort(models.begin(), models.end(),
                     [&](const UsedModel& a, const UsedModel& b) { return rank(a) < rank(b); });
    return models;
}

}  // namespace

std::vector<UsedModel> models_used(const Workspace& workspace, const Context& context) {
    auto models = models_in_findings(workspace, context, [](const audit::Finding& finding) {
        return finding.rule != 123 && finding.rule != 117;
    });
    // Nobody names one but who pulls it.
    if (models.empty())
        models = models_in_findings(workspace, context, [](const audit::Finding& finding) {
            return finding.rule == 117 || finding.rule == 114 || finding.rule == 115;
        });
    return models;
}

std::uint32_t context_length(const Workspace& workspace) {
    std::uint32_t longest = 0;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.form.doc) continue;
        const std::string_view text = file.text;
        for (const std::string_view name : {"num_ctx", "numCtx", "OLLAMA_CONTEXT_LENGTH"})
            for (auto at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
                auto rest = text.substr(at + name.size(), 24);
                const auto digit = rest.find_first_of("0123456789");
                if (digit == rest.npos || digit > 8 || rest.find('\n') < digit) continue;
                const auto number =
                    std::strtoul(std::string(rest.substr(digit)).c_str(), nullptr, 10);
                if (number >= 512 && number <= 1048576)
                    longest = std::max(longest, static_cast<std::uint32_t>(number));
            }
    }
    return longest;
}

}  // namespace segue::rewrite
