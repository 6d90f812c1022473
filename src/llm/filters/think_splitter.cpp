#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "llm/filters/choices.hpp"
#include "llm/filters/filters.hpp"

namespace segue::llm {
namespace {

/// Length of the longest end of `text` that `tag` could begin with.
std::size_t possible_tag_bytes(std::string_view text, std::string_view tag) {
    for (std::size_t length = std::min(text.size(), tag.size() - 1); length > 0; --length) {
        if (text.ends_with(tag.substr(0, length))) return length;
    }
    return 0;
}

enum class Phase : std::uint8_t {
    kBeginning,  // nothing but white space and perhaps a part of the opening tag was seen
    kThinking,
    kAfter,  // behind the closing tag, nothing but white space was seen
    kText,   // everything passes
};

struct State {
    Phase phase = Phase::kBeginning;
    bool opened_by_template = false;  // kBeginning: what is no opening tag is thinking, not text
    std::string held;
};

class ThinkSplitter final : public EventFilter {
public:
    explicit ThinkSplitter(const Profile& profile)
        : open_(profile.think_open.empty() ? "<think>" : profile.think_open),
          close_(profile.think_close.empty() ? "</think>" : profile.think_close),
          states_(State{Phase::kBeginning, profile.template_opens_think, ""}) {}

    void apply(Events& in, Events& out) override {
        for (Event& event : in) {
            std::visit(overloaded{
                           [&](Text& text) { take(states_[text.choice], text, out); },
                           [&](Reasoning& reasoning) {
                               State& state = states_[reasoning.choice];
                               release(reasoning.choice, state, out);
                               state.phase = Phase::kText;
                               out.push_back(std::move(event));
                           },
                           [&](ToolCallDelta& delta) {
                               release(delta.choice, states_[delta.choice], out);
                               out.push_back(std::move(event));
                           },
                           [&](Finished& finished) {
                               release(finished.choice, states_[finished.choice], out);
                               out.push_back(std::move(event));
                           },
                           [&](Ended&) { release_all(std::move(event), out); },
                           [&](Failed&) { release_all(std::move(event), out); },
                           [&](auto&) { out.push_back(std::move(event)); },
                       },
                       event);
        }
    }

private:
    void take(State& state, Text& text, Events& out) {
        if (state.phase == Phase::kText) {
            out.emplace_back(std::move(text));
            return;
        }
        state.held += text.text;
        if (state.phase == Phase::kBeginning && !begin(text.choice, state, out)) return;
        if (state.phase == Phase::kThinking) think(text.choice, state, out);
        if (state.phase == Phase::kAfter) {
            const std::string_view rest = trim_left(state.held);
            if (rest.empty()) {
                state.held.clear();
            } else {
                out.emplace_back(Text{std::string(rest), text.choice});
                state.held.clear();
                state.phase = Phase::kText;
            }
        }
    }

    /// True when it is decided how the content begins.
    bool begin(std::uint32_t choice, State& state, Events& out) {
        const std::string_view seen = trim_left(state.held);
        if (seen.size() < open_.size() && std::string_view(open_).starts_with(seen)) return false;
        if (seen.starts_with(open_)) {
            state.held.erase(0, state.held.size() - seen.size() + open_.size());
            state.phase = Phase::kThinking;
        } else if (state.opened_by_template) {
            state.phase = Phase::kThinking;
        } else {
            out.emplace_back(Text{std::exchange(state.held, {}), choice});
            state.phase = Phase::kText;
        }
        return true;
    }

    void think(std::uint32_t choice, State& state, Events& out) {
        const std::size_t end = state.held.find(close_);
        const std::size_t thought =
            end != std::string::npos ? end
                                     : state.held.size() - possible_tag_bytes(state.held, close_);
        if (thought > 0) out.emplace_back(Reasoning{state.held.substr(0, thought), choice});
        if (end == std::string::npos) {
            state.held.erase(0, thought);
            return;
        }
        state.held.erase(0, end + close_.size());
        state.phase = Phase::kAfter;
    }

    /// No more text comes that could make a tag of what is held.
    void release(std::uint32_t choice, State& state, Events& out) {
        if (state.held.empty()) return;
        std::string held = std::exchange(state.held, {});
        const bool thinking = state.phase == Phase::kThinking ||
                              (state.phase == Phase::kBeginning && state.opened_by_template);
        if (thinking) {
            out.emplace_back(Reasoning{std::move(held), choice});
        } else {
            out.emplace_back(Text{std::move(held), choice});
        }
    }

    void release_all(Event last, Events& out) {
        for (auto& [choice, state] : states_)
            release(choice, state, out);
        out.push_back(std::move(last));
    }

    std::string open_;
    std::string close_;
    PerChoice<State> states_;
};

}  // namespace

std::unique_ptr<EventFilter> make_think_splitter(const Profile& profile) {
    return std::make_unique<ThinkSplitter>(profile);
}

}  // namespace segue::llm
