#include "llm/filters/filters.hpp"

namespace segue::llm {

std::vector<std::unique_ptr<EventFilter>> make_thinking_filters(const Target& target,
                                                                const Think& think) {
    std::vector<std::unique_ptr<EventFilter>> filters;
    const bool ollama = target.dialect == Dialect::kOllama;
    // An Ollama that says what the model can do gives the text of one that cannot think as it is,
    // whatever stands in it (wire 5.3). Of a vLLM the capability only says that a parser is on.
    if (ollama && !target.capabilities.empty() && !target.has_capability("thinking"))
        return filters;
    const bool off = think.mode == Think::Mode::kOff;
    if (target.profile->split_reasoning) {
        Profile splitting = *target.profile;
        // A template that opens the thinking itself does not when it was switched off; Ollama gives
        // both tags or none.
        if (off || ollama) splitting.template_opens_think = false;
        filters.push_back(make_think_splitter(splitting));
    }
    filters.push_back(make_whitespace_trimmer());
    if (off) filters.push_back(make_reasoning_dropper());
    return filters;
}

}  // namespace segue::llm
