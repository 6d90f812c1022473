#include "llm/target.hpp"

#include <algorithm>

namespace segue::llm {

void EngineTraits::refuse_field(std::string_view name) {
    // An engine that invents names must not fill the memory.
    constexpr std::size_t kMost = 256;
    const std::lock_guard lock(mutex_);
    if (refused_.size() >= kMost) return;
    refused_.emplace(name);
    any_refused_.store(true, std::memory_order_release);
}

bool EngineTraits::refuses(std::string_view name) const {
    // Nearly always nothing was refused: the request path then takes no lock.
    if (!any_refused_.load(std::memory_order_acquire)) return false;
    const std::lock_guard lock(mutex_);
    return refused_.find(name) != refused_.end();
}

void EngineTraits::forget() {
    for (std::atomic<Tri>* tri :
         {&reasoning_parser, &tools, &vision, &insert, &responses_api, &structured_outputs}) {
        tri->store(Tri::kUnknown);
    }
    for (std::atomic<bool>* flag :
         {&answers_reasoning_content, &guided_json, &join_neighbours, &fold_system,
          &effort_three_levels, &boolean_think_only, &no_max_think}) {
        flag->store(false);
    }
    const std::lock_guard lock(mutex_);
    refused_.clear();
    any_refused_.store(false, std::memory_order_release);
}

bool Target::has_capability(std::string_view name) const {
    return std::find(capabilities.begin(), capabilities.end(), name) != capabilities.end();
}

}  // namespace segue::llm
