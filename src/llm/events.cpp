#include "llm/events.hpp"

namespace segue::llm {

void Usage::update(const Usage& later) {
    const auto take = [](auto& own, const auto& other) {
        if (other) own = other;
    };
    take(prompt_tokens, later.prompt_tokens);
    take(completion_tokens, later.completion_tokens);
    take(reasoning_tokens, later.reasoning_tokens);
    take(cached_tokens, later.cached_tokens);
    take(queue_ms, later.queue_ms);
}

}  // namespace segue::llm
