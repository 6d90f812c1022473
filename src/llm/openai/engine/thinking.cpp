#include "llm/openai/engine/thinking.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace segue::llm {

ThinkingStyle thinking_style(const Target& target) {
    const ThinkingStyle style = target.profile->thinking;
    if (style != ThinkingStyle::kAuto) return style;
    if (target.has_capability("thinking") ||
        target.traits->reasoning_parser == EngineTraits::Tri::kYes) {
        return ThinkingStyle::kTemplate;
    }
    const auto& told = target.profile->capabilities;
    const bool told_so = told && std::find(told->begin(), told->end(), "thinking") != told->end();
    return told_so ? ThinkingStyle::kTemplate : ThinkingStyle::kNo;
}

bool can_think(const Target& target) {
    return thinking_style(target) != ThinkingStyle::kNo;
}

namespace openai_engine {
namespace {

using Switch = ThinkingFields::Switch;

/// Engines before the seven levels know three (wire 5.1); gpt-oss always has three.
std::string three_levels(std::string_view level) {
    if (level == "minimal") return "low";
    if (level == "max" || level == "xhigh") return "high";
    return std::string(level);
}

std::string level_for(const Think& think, const Target& target) {
    return target.traits->effort_three_levels ? three_levels(think.level) : think.level;
}

}  // namespace

Outcome<ThinkingFields> thinking_fields(const Think& think, const Target& target,
                                        std::string_view client_model) {
    ThinkingFields fields;
    const bool off = think.mode == Think::Mode::kOff;
    const bool level = think.mode == Think::Mode::kLevel;
    switch (thinking_style(target)) {
        case ThinkingStyle::kTemplate:
            // Always sent: several reasoning parsers take thinking as on unless told (wire 2.3). An
            // absent switch means on, as in Ollama.
            fields.template_switch = off ? Switch::kOff : Switch::kOn;
            if (level) fields.effort = level_for(think, target);
            break;
        case ThinkingStyle::kEffort:
            if (off) {
                fields.effort = "low";
                fields.leave_out_reasoning = true;
                fields.adjusted = true;
            } else if (level) {
                fields.effort = three_levels(think.level);
                fields.adjusted = fields.effort != think.level;
            }
            break;
        case ThinkingStyle::kMistral:
            fields.effort = off ? "none" : level ? level_for(think, target) : "high";
            break;
        case ThinkingStyle::kAlways: fields.leave_out_reasoning = fields.adjusted = off; break;
        case ThinkingStyle::kAuto:
        case ThinkingStyle::kNo:
            if (think.wanted()) {
                return refuse(Failure::Cause::kBadRequest,
                              fmt::format("\"{}\" does not support thinking", client_model), 400);
            }
            return fields;
    }
    if (level && !fields.effort.empty() && fields.effort != think.level) fields.adjusted = true;
    if (!off) fields.budget_tokens = think.budget_tokens;
    return fields;
}

}  // namespace openai_engine
}  // namespace segue::llm
