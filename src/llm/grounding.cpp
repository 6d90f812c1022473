#include "llm/grounding.hpp"

#include <map>
#include <utility>

#include "base/overloaded.hpp"
#include "llm/filters/filters.hpp"
#include "llm/ollama/engine/session.hpp"
#include "llm/openai/engine/session.hpp"

namespace segue::llm {
namespace {

// A longer answer is not looked at to its end: its list of sources holds all that were given.
constexpr std::size_t kLongestRead = 1024 * 1024;

/// An answer that no engine makes.
class SayingSession final : public EngineSession {
public:
    explicit SayingSession(std::string text) : text_(std::move(text)) {}

    Outcome<std::vector<EngineCall>> start() override { return std::vector<EngineCall>{}; }
    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t, EngineAnswer, Events&) override {
        return std::vector<EngineCall>{};
    }
    void on_bytes(std::uint32_t, std::string_view, Events&) override {}
    void on_end(std::uint32_t, Events& events) override {
        events.emplace_back(Started{});
        events.emplace_back(Text{std::move(text_)});
        Usage none;
        none.prompt_tokens = none.completion_tokens = 0;
        events.emplace_back(none);
        events.emplace_back(Finished{});
        events.emplace_back(Ended{});
    }
    const Declarations& declarations() const override { return declared_; }

private:
    std::string text_;
    Declarations declared_;
};

class ClosingFilter final : public EventFilter {
public:
    enum class Words : bool { kNo, kYes };
    ClosingFilter(std::shared_ptr<const Grounding> grounding, Words words)
        : grounding_(std::move(grounding)), words_(words) {}

    void apply(Events& in, Events& out) override {
        for (Event& event : in) {
            std::visit(overloaded{
                           [&](const Text& text) {
                               auto& so_far = choices_[text.choice].text;
                               if (so_far.size() < kLongestRead) so_far += text.text;
                           },
                           [&](const ToolCallDelta& call) { choices_[call.choice].calls = true; },
                           [&](const Finished& finished) { close(finished.choice, out); },
                           [](const auto&) {},
                       },
                       event);
            out.push_back(std::move(event));
        }
    }

private:
    struct Choice {
        std::string text;
        bool calls = false;
    };

    void close(std::uint32_t number, Events& out) {
        const Choice& choice = choices_[number];
        if (choice.calls) return;
        Closing closing = grounding_->closing(choice.text);
        if (words_ == Words::kYes && !closing.text.empty())
            out.emplace_back(Text{std::move(closing.text), number});
        out.emplace_back(Sources{std::move(closing.sources), number});
    }

    std::shared_ptr<const Grounding> grounding_;
    Words words_;
    std::map<std::uint32_t, Choice> choices_;
};

}  // namespace

void add_passages(ChatRequest& request, const BridgeContext& context) {
    if (!context.grounding || context.grounding->passages.empty()) return;
    const std::string& passages = context.grounding->passages;
    auto& messages = request.messages;
    // Behind the client's own system prompt, or as one.
    if (!messages.empty() && messages.front().role == "system") {
        messages.front().parts.emplace_back(TextPart{"\n" + passages});
        return;
    }
    Message system;
    system.role = "system";
    system.parts.emplace_back(TextPart{passages});
    messages.insert(messages.begin(), std::move(system));
}

std::unique_ptr<EngineSession> make_chat_session(ChatRequest request,
                                                 const BridgeContext& context) {
    if (context.grounding && !context.grounding->said.empty())
        return std::make_unique<SayingSession>(context.grounding->said);
    add_passages(request, context);
    return context.target.dialect == Dialect::kOllama
               ? make_ollama_chat_session(std::move(request), context)
               : make_openai_chat_session(std::move(request), context);
}

std::vector<std::unique_ptr<EventFilter>> make_chat_filters(const BridgeContext& context,
                                                            const ChatRequest& request) {
    auto filters = make_thinking_filters(context.target, request.think);
    if (!context.grounding) return filters;
    const bool json = request.format.kind != ResponseFormat::Kind::kNone;
    filters.push_back(std::make_unique<ClosingFilter>(
        context.grounding, json ? ClosingFilter::Words::kNo : ClosingFilter::Words::kYes));
    return filters;
}

}  // namespace segue::llm
