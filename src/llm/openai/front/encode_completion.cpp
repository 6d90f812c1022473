#include <map>

#include "base/json.hpp"
#include "base/overloaded.hpp"
#include "llm/openai/front/encode.hpp"
#include "llm/openai/front/encode_parts.hpp"

namespace segue::llm {
namespace {

using json::Writer;

std::string_view echo_of(const OpenAiAnswerOptions& options, std::size_t choice) {
    const std::size_t prompt = choice / std::max<std::size_t>(options.copies, 1);
    return prompt < options.echo.size() ? std::string_view(options.echo[prompt])
                                        : std::string_view{};
}

class CompletionStreamEncoder final : public ResponseEncoder {
public:
    explicit CompletionStreamEncoder(OpenAiAnswerOptions options)
        : options_(std::move(options)), head_("cmpl-", "text_completion", options_.model) {}

    bool streaming() const override { return true; }
    std::string_view content_type() const override { return openai::kSseType; }
    bool may_begin_with_keep_alive() const override { return true; }
    void keep_alive(std::string& out) override { out += openai::kSseKeepAlive; }

    std::optional<Failure> encode(const Events& events, const Timings& timings,
                                  std::string& out) override {
        for (const Event& event : events)
            one(event, timings, out);
        return std::nullopt;
    }

private:
    struct Choice {
        std::vector<TokenLogprob> logprobs;
        std::size_t offset = 0;  // of the next token in the text
        bool begun = false;
    };

    void one(const Event& event, const Timings& timings, std::string& out) {
        std::visit(overloaded{
                       [](const Started&) {},
                       [&](const Text& text) {
                           begin(text.choice, timings, out);
                           chunk(text.choice, text.text, {}, timings, out);
                       },
                       [](const Reasoning&) {},
                       [](const ToolCallDelta&) {},
                       [&](const Logprobs& logprobs) {
                           auto& waiting = choices_[logprobs.choice].logprobs;
                           waiting.insert(waiting.end(), logprobs.tokens.begin(),
                                          logprobs.tokens.end());
                       },
                       [&](const Usage& usage) { usage_.update(usage); },
                       [](const TokenIds&) {},
                       [](const Vectors&) {},
                       [](const Sources&) {},
                       [&](const Finished& finished) {
                           begin(finished.choice, timings, out);
                           chunk(finished.choice, "",
                                 openai::finish_reason_name(finished.reason, false), timings, out);
                       },
                       [&](const Ended&) {
                           openai::append_sse_end(head_, options_.include_usage ? &usage_ : nullptr,
                                                  timings, out);
                       },
                       [](const Failed&) {},
                   },
                   event);
    }

    /// The prompt, when it is to be repeated, is a chunk of its own.
    void begin(std::uint32_t index, const Timings& timings, std::string& out) {
        Choice& choice = choices_[index];
        if (std::exchange(choice.begun, true)) return;
        const std::string_view echo = echo_of(options_, index);
        if (echo.empty()) return;
        const auto waiting = std::exchange(choice.logprobs, {});
        chunk(index, echo, {}, timings, out);
        choice.logprobs = waiting;
        choice.offset = openai::code_points(echo);
    }

    void chunk(std::uint32_t index, std::string_view text, std::string_view finish,
               const Timings& timings, std::string& out) {
        Choice& choice = choices_[index];
        line_.clear();
        Writer writer(line_);
        writer.begin_object();
        head_.write(writer, timings);
        writer.key("choices")
            .begin_array()
            .begin_object()
            .member("index", index)
            .member("text", text);
        if (choice.logprobs.empty())
            writer.member_null("logprobs");
        else
            openai::write_completion_logprobs(writer.key("logprobs"), choice.logprobs,
                                              choice.offset);
        choice.logprobs.clear();
        finish.empty() ? writer.member_null("finish_reason")
                       : writer.member("finish_reason", finish);
        writer.end_object().end_array().end_object();
        openai::append_sse(out, line_);
    }

    OpenAiAnswerOptions options_;
    openai::AnswerHead head_;
    std::map<std::uint32_t, Choice> choices_;
    Usage usage_;
    std::string line_;  // reused
};

class CompletionEncoder final : public ResponseEncoder {
public:
    explicit CompletionEncoder(OpenAiAnswerOptions options)
        : options_(std::move(options)), head_("cmpl-", "text_completion", options_.model) {}

    bool streaming() const override { return false; }
    std::string_view content_type() const override { return "application/json"; }

    std::optional<Failure> encode(const Events& events, const Timings& timings,
                                  std::string& out) override {
        for (const Event& event : events)
            answer_.add(event);
        if (answer_.ended) write(timings, out);
        return std::nullopt;
    }

private:
    void write(const Timings& timings, std::string& out) {
        if (answer_.choices.empty()) answer_.choices.emplace_back();
        Writer writer(out);
        writer.begin_object();
        head_.write(writer, timings);
        writer.key("choices").begin_array();
        for (std::size_t i = 0; i < answer_.choices.size(); ++i) {
            const Answer::Choice& choice = answer_.choices[i];
            const std::string_view echo = echo_of(options_, i);
            writer.begin_object()
                .member("index", i)
                .member("text", std::string(echo) + choice.text);
            std::size_t offset = openai::code_points(echo);
            if (choice.logprobs.empty())
                writer.member_null("logprobs");
            else
                openai::write_completion_logprobs(writer.key("logprobs"), choice.logprobs, offset);
            const FinishReason reason =
                choice.finished ? choice.finished->reason : FinishReason::kStop;
            writer.member("finish_reason", openai::finish_reason_name(reason, false)).end_object();
        }
        writer.end_array();
        openai::write_usage(writer.key("usage"), answer_.usage);
        writer.end_object();
    }

    OpenAiAnswerOptions options_;
    openai::AnswerHead head_;
    Answer answer_;
};

}  // namespace

std::unique_ptr<ResponseEncoder> make_openai_completion_stream_encoder(
    OpenAiAnswerOptions options) {
    return std::make_unique<CompletionStreamEncoder>(std::move(options));
}

std::unique_ptr<ResponseEncoder> make_openai_completion_encoder(OpenAiAnswerOptions options) {
    return std::make_unique<CompletionEncoder>(std::move(options));
}

}  // namespace segue::llm
