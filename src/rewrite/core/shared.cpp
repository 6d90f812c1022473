#include "rewrite/core/shared.hpp"

#include <algorithm>

namespace segue::rewrite {

void Shared::add(const File& file, std::string module, const std::set<std::string>& foreign,
                 Attempt& attempt) {
    used_.insert(foreign.begin(), foreign.end());
    done_.push_back(
        {&file, std::move(module), foreign, attempt.take(), attempt.why(), attempt.where()});
}

std::vector<Group> Shared::groups() {
    const auto is_shared = [&](const Done& one) {
        return !one.foreign.empty() || used_.contains(one.module);
    };
    const auto failed = std::find_if(done_.begin(), done_.end(), [&](const Done& one) {
        return !one.why.empty() && is_shared(one);
    });
    std::vector<Group> groups;
    Group together;
    together.rule = 102;
    together.what = what_;
    for (auto& one : done_) {
        if (one.why.empty() && !is_shared(one)) {
            groups.push_back(std::move(one.group));
        } else if (one.why.empty() && failed == done_.end()) {
            together.edits.insert(together.edits.end(), one.group.edits.begin(),
                                  one.group.edits.end());
            together.notes.insert(together.notes.end(), one.group.notes.begin(),
                                  one.group.notes.end());
        } else {
            Group told;
            told.rule = 102;
            const auto why = one.why.empty() ? "it shares its client with " + failed->file->path +
                                                   ", where it stays"
                                             : one.why;
            told.note(*one.file, one.where, "the ollama client of this file stays: " + why,
                      "change the file by hand: client.chat.completions.create, "
                      "choices[0].message.content");
            groups.push_back(std::move(told));
        }
    }
    groups.push_back(std::move(together));
    return groups;
}

}  // namespace segue::rewrite
