// final: names in Ollama's registry become the ids of the models they were made from. A tag that is
// not known stays and is listed.
#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/core/findings.hpp"
#include "rewrite/models.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

class Tags {
public:
    explicit Tags(const Context& context) : context_(context) {}

    Group file(const File& file) {
        Group group;
        group.rule = 107;
        group.what = "model names in " + file.path;
        const FileFindings findings(file, context_.report);
        const std::string_view text = file.text;
        // Lines that another family wrote name models, too.
        auto lines = findings.lines();
        for (const auto& mark : file.marks)
            if (mark.rule == 102 || mark.rule == 103 || mark.rule == 107 || mark.rule == 108)
                lines.try_emplace(line_begin(text, mark.begin));
        for (const auto& [begin, list] : lines) {
            const auto line = line_around(text, begin);
            // A command of Ollama's that stays keeps its model: one to-do, not a half of two.
            if (!file.form.doc && findings.has(begin, 117) && line.find("ollama ") != line.npos)
                continue;
            std::set<std::size_t> done;
            const bool named = findings.has(begin, 107) || findings.has(begin, 111) ||
                               findings.has(begin, 105) || findings.has(begin, 110) ||
                               findings.has(begin, 124) || list.empty();
            for (const auto& place : models_in(line, named ? Families::kYes : Families::kNo)) {
                one(file, group, begin + place.begin, begin + place.end);
                done.insert(begin + place.begin);
            }
            for (const auto* const found : list) {
                const auto token = text.substr(found->byte_start, found->token.size());
                const bool model = found->rule == 107 && token == found->token &&
                                   (audit::is_bare_family(token) || audit::is_tag(token));
                if (model && done.insert(found->byte_start).second)
                    one(file, group, found->byte_start, found->byte_start + token.size());
            }
        }
        return group;
    }

private:
    void one(const File& file, Group& group, std::size_t start, std::size_t end) {
        auto tag = std::string_view(file.text).substr(start, end - start);
        // "ollama/llama3.1:8b" of litellm is no name space of the registry.
        for (const std::string_view provider : {"ollama_chat/", "ollama/"})
            if (tag.starts_with(provider)) {
                tag.remove_prefix(provider.size());
                start += provider.size();
            }
        const auto model = model_for(tag, context_.settings.models);
        const std::string_view text = file.text;
        if (!model) {
            // litellm: the provider changes, whatever the model is.
            for (const std::string_view provider : {"ollama_chat/", "ollama/"})
                if (text.substr(0, start).ends_with(provider))
                    group.edit(file, start - provider.size(), start, "hosted_vllm/", 106);
            if (told_.insert(std::string(tag)).second || true)
                group.note(file, start,
                           fmt::format("no model is known for the tag {}: it stays", tag),
                           fmt::format("add a line \"{} <organisation/model>\" to a file and say "
                                       "--map FILE; until then serve it under this name "
                                       "(--served-model-name {})",
                                       tag, tag));
            return;
        }
        // litellm: the provider stands in front.
        for (const std::string_view provider : {"ollama_chat/", "ollama/"})
            if (text.substr(0, start).ends_with(provider)) {
                group.edit(file, start - provider.size(), end, "hosted_vllm/" + model->id, 106);
                return;
            }
        group.edit(file, start, end, model->id);
        if (!told_.insert(model->id).second || file.form.doc) return;
        if (!model->exact)
            group.note(
                file, start,
                fmt::format("{} was a quantised build; {} is the whole model", tag, model->id),
                "choose a quantised repository when the card is too small for it");
        if (model->gated)
            group.note(
                file, start,
                fmt::format("{} may be downloaded only after its licence was accepted", model->id),
                "accept it on huggingface.co and hand HF_TOKEN to the server");
    }

    const Context& context_;
    std::set<std::string> told_;
};

}  // namespace

Groups tags(const Workspace& workspace, const Context& context) {
    Tags tags(context);
    Groups groups;
    for (const auto& [path, file] : workspace.files)
        if (file.editable()) groups.push_back(tags.file(file));
    return groups;
}

}  // namespace segue::rewrite
