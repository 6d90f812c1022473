/// What the sessions of this folder have in common: one call answers, others prepare it; its bytes
/// become events; a refusal before the first byte may be repaired.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/bridge.hpp"
#include "llm/openai/engine/decode_stream.hpp"
#include "llm/openai/engine/encode.hpp"
#include "llm/openai/engine/errors.hpp"
#include "llm/openai/engine/repairs.hpp"
#include "llm/session.hpp"

namespace segue::llm::openai_engine {

using Calls = std::vector<EngineCall>;

class AnsweringSession : public EngineSession {
public:
    Outcome<Calls> on_answer(std::uint32_t call, EngineAnswer answer, Events& events) override;
    void on_bytes(std::uint32_t call, std::string_view bytes, Events& events) override;
    void on_end(std::uint32_t call, Events& events) override;
    const Declarations& declarations() const override { return declared_; }

protected:
    AnsweringSession(std::string client_model, const BridgeContext& context);

    /// The call whose answer is the answer. `stops` are those that the engine was not told.
    Calls answering_call(std::string path, std::string body, Delivery delivery,
                         DecoderOptions options, std::vector<std::string> stops,
                         std::int64_t choices);
    EngineCall preparing_call(std::string path, std::string body);
    DecoderOptions decoder_options() const;
    Failure failure_of(const EngineAnswer& answer, const EngineError& error) const {
        return answer_failure(answer, error, target_, client_model_);
    }

    /// The request once more, after something was learned from a 400.
    virtual Outcome<Calls> ask_again() = 0;
    virtual Asked asked() const = 0;
    /// Repairs of its own; nothing: there are none, the failure stands.
    virtual std::optional<Outcome<Calls>> repair(const EngineAnswer& answer,
                                                 const EngineError& error) {
        (void)answer, (void)error;
        return std::nullopt;
    }
    /// The answer of a preparing call.
    virtual Outcome<Calls> prepared(std::uint32_t call, const EngineAnswer& answer) {
        (void)call, (void)answer;
        return Calls{};
    }

    Target target_;
    std::string client_model_;
    Declarations declared_;
    /// What an engine said to be the most: max_tokens, when its context was not known.
    std::optional<std::int64_t> max_tokens_;

private:
    Outcome<Calls> refused(const EngineAnswer& answer);
    void decode(std::string_view bytes, bool end, Events& events);

    std::size_t max_event_bytes_;
    std::unique_ptr<StreamDecoder> decoder_;
    std::unique_ptr<EventFilter> stop_matcher_;
    std::uint32_t next_call_ = 1;
    std::uint32_t answering_ = 0;
    int repairs_ = 0;
    bool over_ = false;
};

}  // namespace segue::llm::openai_engine
