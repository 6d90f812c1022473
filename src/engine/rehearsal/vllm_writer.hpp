/// vLLM's answers: SSE and single objects of /v1/chat/completions and /v1/completions
/// (wire 2.3, 2.4).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/rehearsal/vllm_request.hpp"
#include "engine/rehearsal/writer.hpp"

namespace segue::engine::rehearsal {

inline constexpr std::string_view kVllmVersion = "0.32.0+rehearsal";
inline constexpr std::string_view kVllmFingerprint = "vllm-0.32.0-rehearsal";

/// One answer a choice: n of the prompt, or one of each prompt.
std::unique_ptr<AnswerWriter> make_vllm_chat_writer(EngineState& state, const VllmCall& call,
                                                    std::vector<Answer> answers);
std::unique_ptr<AnswerWriter> make_vllm_text_writer(EngineState& state, const VllmCall& call,
                                                    std::vector<Answer> answers);

/// What both have in common: id, errors, usage, framing.
class VllmWriter : public AnswerWriter {
public:
    VllmWriter(EngineState& state, VllmCall call, std::vector<Answer> answers,
               std::string_view id_prefix);

    bool streams() const override { return call_.stream; }
    std::string_view content_type() const override;
    void end(const Measured& measured, std::string& out) override;
    std::string refusal(int status, std::string_view message) const override;
    std::string_view refusal_type() const override { return "application/json"; }
    std::string_view busy_message() const override;
    std::string_view template_message() const override;
    std::string stream_error(std::string_view message) const override;
    std::string garbage() const override { return "data: {\"id\": rehearsed garbage\n\n"; }

protected:
    /// id, object, created, model.
    void head(json::Writer& w, std::string_view object) const;
    /// Appends one event; `is_last` adds the fingerprint that the last chunk carries.
    void event(std::string& out, std::string_view object, const std::string& choice, bool is_last);
    void write_finish(const Answer& answer, std::string_view reason, json::Writer& w) const;
    std::string_view finish_of(const Answer& answer) const;
    void usage(json::Writer& w) const;
    /// Called once a piece; the counts of continuous_usage_stats.
    void count(const Piece& piece);
    /// The streamed object's name, for the usage chunk.
    virtual std::string_view chunk_object() const = 0;
    /// Whether usage tells the tokens of reasoning: chat only.
    virtual bool tells_reasoning() const = 0;

    EngineState& state_;
    VllmCall call_;
    std::string id_;
    std::int64_t created_;

private:
    void write_usage(std::int64_t completion, std::int64_t reasoning, json::Writer& w) const;
    std::int64_t prompt_tokens() const;
    std::int64_t counted_ = 0;
    std::int64_t counted_reasoning_ = 0;
};

}  // namespace segue::engine::rehearsal
