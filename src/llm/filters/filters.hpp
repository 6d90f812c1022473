/// Filters between an engine's events and a client's encoder that are about thinking
/// (wire 3.4, 3.6). Where several are used, their order is: splitter, trimmer, dropper.
#pragma once

#include <memory>
#include <vector>

#include "llm/profile.hpp"
#include "llm/session.hpp"
#include "llm/target.hpp"

namespace segue::llm {

/// Finds `<think>…</think>` at the beginning of the content and makes Reasoning of it, for engines
/// without a reasoning parser. Does nothing to a choice for which the engine itself sent Reasoning.
/// White space after the closing tag goes away with the tag. With profile.template_opens_think the
/// content begins inside the thinking: for a request that switched the thinking off, such a
/// template does not, so clear that flag then.
std::unique_ptr<EventFilter> make_think_splitter(const Profile& profile);

/// think:false: the thinking of a model that thinks nevertheless is left out, with its log
/// probabilities. Usage stays.
std::unique_ptr<EventFilter> make_reasoning_dropper();

/// As Ollama does: leading white space of the thinking, and of the content after thinking, goes
/// away, however many deltas it spans. Without thinking nothing is trimmed.
std::unique_ptr<EventFilter> make_whitespace_trimmer();

/// What every front puts between a target's chat and its own encoder: those of the above that the
/// target and the request's thinking switch need.
std::vector<std::unique_ptr<EventFilter>> make_thinking_filters(const Target& target,
                                                                const Think& think);

}  // namespace segue::llm
