#include <utility>
#include <vector>

#include "base/overloaded.hpp"
#include "llm/filters/choices.hpp"
#include "llm/filters/filters.hpp"

namespace segue::llm {
namespace {

class ReasoningDropper final : public EventFilter {
public:
    void apply(Events& in, Events& out) override {
        for (Event& event : in) {
            std::visit(overloaded{
                           [&](Reasoning& reasoning) { logprobs_[reasoning.choice].clear(); },
                           // They belong to what comes next, which may have to go.
                           [&](Logprobs& logprobs) {
                               logprobs_[logprobs.choice].push_back(std::move(event));
                           },
                           [&](Text& text) { pass(text.choice, event, out); },
                           [&](ToolCallDelta& delta) { pass(delta.choice, event, out); },
                           [&](Finished& finished) { pass(finished.choice, event, out); },
                           [&](auto&) { out.push_back(std::move(event)); },
                       },
                       event);
        }
    }

private:
    void pass(std::uint32_t choice, Event& event, Events& out) {
        Events& held = logprobs_[choice];
        for (Event& logprobs : held)
            out.push_back(std::move(logprobs));
        held.clear();
        out.push_back(std::move(event));
    }

    PerChoice<Events> logprobs_;
};

}  // namespace

std::unique_ptr<EventFilter> make_reasoning_dropper() {
    return std::make_unique<ReasoningDropper>();
}

}  // namespace segue::llm
