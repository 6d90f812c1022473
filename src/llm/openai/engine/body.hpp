/// The parts that the bodies of chat/completions and completions share: sampling, extras, the
/// answer's format. Writes only members that the engine did not refuse before, and each once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/chat.hpp"
#include "llm/declarations.hpp"
#include "llm/openai/engine/encode.hpp"
#include "llm/openai/engine/thinking.hpp"
#include "llm/target.hpp"

namespace segue::llm::openai_engine {

class Body {
public:
    Body(const Target& target, Declarations& declared);

    /// True, and counted as written, when the engine takes a member of that name and it is not
    /// there yet: `if (body.wants("min_p", Loss::kSemantic)) body.writer().member("min_p", …)`. A
    /// member that the engine refused is declared as lost.
    bool wants(std::string_view name, Loss loss);
    json::Writer& writer() { return writer_; }

    void begin(Delivery delivery);
    /// `fallback`: what max_tokens is where the client set no limit (completions; 16 there
    /// otherwise).
    void sampling(const Sampling& sampling, std::optional<std::int64_t> max_tokens,
                  std::optional<std::int64_t> fallback);
    void format(const ResponseFormat& format);
    void thinking(const ThinkingFields& fields, const std::vector<Extra>& extras);
    /// Everything that has a word of its own on this side; declares the rest.
    void extras(const std::vector<Extra>& extras, bool context_is_used);
    std::string finish();

private:
    void clamped(std::string_view name, double value, double least, double most);
    void limit(const Sampling& sampling, std::optional<std::int64_t> max_tokens,
               std::optional<std::int64_t> fallback);

    const Target& target_;
    Declarations& declared_;
    std::string out_;
    json::Writer writer_;
    std::vector<std::string> written_;
};

/// Names of vLLM's own (wire 2.3): they pass through from Ollama's options and other fronts.
bool is_engine_field(std::string_view name);

}  // namespace segue::llm::openai_engine
