#include "llm/openai/engine/answering.hpp"

#include <algorithm>
#include <utility>

#include "llm/openai/engine/stop_matcher.hpp"

namespace segue::llm::openai_engine {
namespace {

/// Each repair teaches one thing; a request that needs more is not ours to mend.
constexpr int kMostRepairs = 6;

bool is_success(int status) {
    return status >= 200 && status < 300;
}

}  // namespace

AnsweringSession::AnsweringSession(std::string client_model, const BridgeContext& context)
    : target_(context.target),
      client_model_(client_model.empty() ? context.target.served_model : std::move(client_model)),
      max_event_bytes_(context.policy.max_line_bytes) {
}

DecoderOptions AnsweringSession::decoder_options() const {
    DecoderOptions options;
    options.target = target_;
    options.client_model = client_model_;
    options.max_event_bytes = max_event_bytes_;
    return options;
}

Calls AnsweringSession::answering_call(std::string path, std::string body, Delivery delivery,
                                       DecoderOptions options, std::vector<std::string> stops,
                                       std::int64_t choices) {
    decoder_ = std::make_unique<StreamDecoder>(std::move(options));
    stop_matcher_.reset();
    if (!stops.empty()) {
        stop_matcher_ = make_stop_matcher(
            std::move(stops),
            static_cast<std::uint32_t>(std::clamp<std::int64_t>(choices, 1, 1024)));
    }
    EngineCall call = preparing_call(std::move(path), std::move(body));
    call.answer =
        delivery == Delivery::kStream ? EngineCall::Answer::kStream : EngineCall::Answer::kWhole;
    answering_ = call.id;
    Calls calls;
    calls.push_back(std::move(call));
    return calls;
}

EngineCall AnsweringSession::preparing_call(std::string path, std::string body) {
    EngineCall call;
    call.id = next_call_++;
    call.path = std::move(path);
    call.body = std::move(body);
    return call;
}

Outcome<Calls> AnsweringSession::on_answer(std::uint32_t call, EngineAnswer answer,
                                           Events& events) {
    if (over_) return Calls{};
    if (call != answering_) return prepared(call, answer);
    if (!is_success(answer.status)) return refused(answer);
    // Early builds answer some errors with 200 (wire 5.1).
    json::Parser parser;
    const auto root = parser.parse(answer.body);
    if (root && root->is_object()) {
        if (const auto error = find_error(*root)) {
            answer.status = error->status != 0 ? error->status : 400;
            return refused(answer);
        }
    }
    decode(answer.body, true, events);
    return Calls{};
}

Outcome<Calls> AnsweringSession::refused(const EngineAnswer& answer) {
    const EngineError error = read_error(answer.body);
    const bool about_request = answer.status == 400 || answer.status == 422;
    if (about_request && repairs_ < kMostRepairs) {
        ++repairs_;
        if (auto repaired = repair(answer, error)) return std::move(*repaired);
        const auto most = number_after(error.message, "cannot be greater than max_model_len=");
        if (most && *most > 1 && !max_tokens_) {
            max_tokens_ = *most - 1;
            return ask_again();
        }
        if (learn_from_refusal(error, asked(), target_)) return ask_again();
    }
    over_ = true;
    return tl::unexpected<Failure>(failure_of(answer, error));
}

void AnsweringSession::on_bytes(std::uint32_t call, std::string_view bytes, Events& events) {
    if (call == answering_) decode(bytes, false, events);
}

void AnsweringSession::on_end(std::uint32_t call, Events& events) {
    if (call == answering_) decode({}, true, events);
}

void AnsweringSession::decode(std::string_view bytes, bool end, Events& events) {
    if (over_ || !decoder_) return;
    Events own;
    if (!bytes.empty()) decoder_->feed(bytes, own);
    if (end && !decoder_->over()) decoder_->end(own);
    over_ = decoder_->over();
    if (stop_matcher_) {
        Events matched;
        stop_matcher_->apply(own, matched);
        own = std::move(matched);
        // The rest of the engine's answer is not wanted, however it ends: whoever runs the bridge
        // closes the call.
        if (stop_matcher_->satisfied()) {
            over_ = true;
            std::erase_if(own, [](const Event& event) {
                return std::holds_alternative<Ended>(event) ||
                       std::holds_alternative<Failed>(event);
            });
            own.emplace_back(Ended{});
        }
    }
    std::move(own.begin(), own.end(), std::back_inserter(events));
}

}  // namespace segue::llm::openai_engine
