#include "llm/chat.hpp"

namespace segue::llm {

std::string_view dialect_name(Dialect dialect) {
    switch (dialect) {
        case Dialect::kOllama: return "ollama";
        case Dialect::kOpenAi: return "openai";
        case Dialect::kAnthropic: return "anthropic";
    }
    return "";
}

std::string Message::text() const {
    std::string joined;
    bool first = true;
    for (const Part& part : parts) {
        const auto* text = std::get_if<TextPart>(&part);
        if (text == nullptr) continue;
        if (!first) joined += '\n';
        joined += text->text;
        first = false;
    }
    return joined;
}

void Sampling::fill_from(const Sampling& lower) {
    const auto fill = [](auto& own, const auto& other) {
        if (!own) own = other;
    };
    fill(temperature, lower.temperature);
    fill(top_p, lower.top_p);
    fill(min_p, lower.min_p);
    fill(typical_p, lower.typical_p);
    fill(presence_penalty, lower.presence_penalty);
    fill(frequency_penalty, lower.frequency_penalty);
    fill(repeat_penalty, lower.repeat_penalty);
    fill(top_k, lower.top_k);
    fill(seed, lower.seed);
    fill(max_tokens, lower.max_tokens);
    fill(repeat_last_n, lower.repeat_last_n);
    fill(num_ctx, lower.num_ctx);
    fill(stop, lower.stop);
}

}  // namespace segue::llm
