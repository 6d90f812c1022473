#include "llm/openai/engine/stop_matcher.hpp"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>

#include "base/overloaded.hpp"
#include "llm/filters/choices.hpp"

namespace segue::llm {
namespace {

/// Held is a queue of Text and Logprobs events of one choice; `text` is their text joined.
struct Choice {
    std::deque<Event> held;
    std::string text;
    bool over = false;
};

class StopMatcher final : public EventFilter {
public:
    StopMatcher(std::vector<std::string> stops, std::uint32_t choices)
        : stops_(std::move(stops)), wanted_(choices) {
        std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
    }

    void apply(Events& in, Events& out) override {
        for (Event& event : in) {
            std::visit(
                overloaded{
                    [&](Text& text) { take(std::move(text), out); },
                    [&](Logprobs& logprobs) {
                        Choice& choice = choices_[logprobs.choice];
                        if (choice.over) return;
                        choice.held.emplace_back(std::move(logprobs));
                    },
                    [&](Reasoning& reasoning) { pass(reasoning.choice, std::move(event), out); },
                    [&](ToolCallDelta& delta) { pass(delta.choice, std::move(event), out); },
                    [&](Finished& finished) { finish(finished, out); },
                    [&](Ended&) { last(std::move(event), out); },
                    [&](Failed&) { last(std::move(event), out); },
                    [&](auto&) { out.push_back(std::move(event)); },
                },
                event);
        }
    }

    bool satisfied() const override { return stopped_ && over_ >= wanted_; }

private:
    struct Match {
        std::size_t at = std::string::npos;
        std::string_view stop;
    };

    /// The earliest; of two at one place the longer, so that nothing of it is left over.
    Match find(std::string_view text) const {
        Match best;
        for (const std::string& stop : stops_) {
            const std::size_t at = text.find(stop);
            if (at == std::string_view::npos || at > best.at) continue;
            if (at < best.at || stop.size() > best.stop.size()) best = {at, stop};
        }
        return best;
    }

    /// Length of the longest end of `text` that begins a stop string.
    std::size_t open_end(std::string_view text) const {
        std::size_t longest = 0;
        for (const std::string& stop : stops_) {
            for (std::size_t length = std::min(text.size(), stop.size() - 1); length > longest;
                 --length) {
                if (text.ends_with(std::string_view(stop).substr(0, length))) longest = length;
            }
        }
        return longest;
    }

    void take(Text text, Events& out) {
        Choice& choice = choices_[text.choice];
        if (choice.over) return;
        const std::uint32_t index = text.choice;
        choice.text += text.text;
        choice.held.emplace_back(std::move(text));
        const Match match = find(choice.text);
        if (match.at != std::string::npos) {
            release(choice, match.at, out);
            end_choice(choice);
            stopped_ = true;
            out.emplace_back(Finished{FinishReason::kStop, std::string(match.stop), index});
            return;
        }
        release(choice, choice.text.size() - open_end(choice.text), out);
    }

    /// Gives out the first `length` bytes of what is held, with the log probabilities before them.
    /// An event that straddles the place is cut; its tokens go with its first part.
    static void release(Choice& choice, std::size_t length, Events& out) {
        choice.text.erase(0, length);
        while (length > 0 && !choice.held.empty()) {
            auto* text = std::get_if<Text>(&choice.held.front());
            if (text == nullptr || text->text.size() <= length) {
                if (text != nullptr) length -= text->text.size();
                out.push_back(std::move(choice.held.front()));
                choice.held.pop_front();
                continue;
            }
            out.emplace_back(Text{text->text.substr(0, length), text->choice});
            text->text.erase(0, length);
            length = 0;
        }
    }

    static void release_all(Choice& choice, Events& out) {
        std::move(choice.held.begin(), choice.held.end(), std::back_inserter(out));
        choice.held.clear();
        choice.text.clear();
    }

    void pass(std::uint32_t index, Event event, Events& out) {
        Choice& choice = choices_[index];
        if (choice.over) return;
        release_all(choice, out);
        out.push_back(std::move(event));
    }

    void finish(const Finished& finished, Events& out) {
        Choice& choice = choices_[finished.choice];
        if (choice.over) return;
        release_all(choice, out);
        end_choice(choice);
        out.emplace_back(finished);
    }

    void last(Event event, Events& out) {
        for (auto& [index, choice] : choices_) {
            if (!choice.over) release_all(choice, out);
        }
        out.push_back(std::move(event));
    }

    void end_choice(Choice& choice) {
        choice.over = true;
        choice.held.clear();
        choice.text.clear();
        ++over_;
    }

    std::vector<std::string> stops_;
    std::uint32_t wanted_;
    std::uint32_t over_ = 0;
    bool stopped_ = false;  // by a stop string, not by the engine's own end
    PerChoice<Choice> choices_;
};

}  // namespace

std::unique_ptr<EventFilter> make_stop_matcher(std::vector<std::string> stops,
                                               std::uint32_t choices) {
    return std::make_unique<StopMatcher>(std::move(stops), choices);
}

}  // namespace segue::llm
