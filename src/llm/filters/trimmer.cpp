#include <string>
#include <string_view>
#include <utility>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "llm/filters/choices.hpp"
#include "llm/filters/filters.hpp"

namespace segue::llm {
namespace {

struct State {
    bool thought = false;          // some Reasoning came
    bool reasoning_begun = false;  // some of it was no white space
    bool text_begun = false;
};

/// Removes the leading white space while nothing else has come. False when nothing is left.
bool keep(std::string& text, bool& begun) {
    if (!begun) {
        const std::string_view rest = trim_left(text);
        text.erase(0, text.size() - rest.size());
        begun = !text.empty();
    }
    return !text.empty();
}

class Trimmer final : public EventFilter {
public:
    void apply(Events& in, Events& out) override {
        for (Event& event : in) {
            const bool passes =
                std::visit(overloaded{
                               [&](Reasoning& reasoning) {
                                   State& state = states_[reasoning.choice];
                                   state.thought = true;
                                   return keep(reasoning.text, state.reasoning_begun);
                               },
                               [&](Text& text) {
                                   State& state = states_[text.choice];
                                   if (!state.thought) state.text_begun = true;
                                   return keep(text.text, state.text_begun);
                               },
                               [](auto&) { return true; },
                           },
                           event);
            if (passes) out.push_back(std::move(event));
        }
    }

private:
    PerChoice<State> states_;
};

}  // namespace

std::unique_ptr<EventFilter> make_whitespace_trimmer() {
    return std::make_unique<Trimmer>();
}

}  // namespace segue::llm
