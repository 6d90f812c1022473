#include "llm/ollama/front/apply_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "llm/ollama/front/names.hpp"
#include "llm/ollama/front/options.hpp"
#include "llm/openai/engine/thinking.hpp"

namespace segue::llm {
namespace {

/// Known capabilities: the profile's word counts before a probe's. Null: nothing is known.
const std::vector<std::string>* known_capabilities(const Target& target) {
    if (target.profile->capabilities && !target.profile->capabilities->empty())
        return &*target.profile->capabilities;
    return target.capabilities.empty() ? nullptr : &target.capabilities;
}

bool lacks(const Target& target, std::string_view name) {
    const auto* const known = known_capabilities(target);
    return known && std::ranges::find(*known, name) == known->end();
}

Message text_message(std::string_view role, std::string_view text) {
    Message message;
    message.role = std::string(role);
    message.parts.emplace_back(TextPart{std::string(text)});
    return message;
}

/// `<think>…</think>` at the beginning of an assistant's text. An unclosed one is thinking to its
/// end, as Ollama's parser has it.
void remove_thinking(const Profile& profile, std::string& text) {
    const std::string_view begun = trim_left(text);
    if (profile.think_open.empty() || profile.think_close.empty() ||
        !begun.starts_with(profile.think_open))
        return;
    const auto close = begun.find(profile.think_close);
    text = close == std::string_view::npos
               ? std::string()
               : std::string(trim_left(begun.substr(close + profile.think_close.size())));
}

void forget_old_thinking(const Profile& profile, std::vector<Message>& messages) {
    const auto last_user =
        std::find_if(messages.rbegin(), messages.rend(),
                     [](const Message& message) { return message.role == "user"; });
    if (last_user == messages.rend()) return;
    for (auto message = messages.begin(); message != last_user.base(); ++message) {
        if (message->role != "assistant") continue;
        message->reasoning.clear();
        if (!profile.strip_old_thinking) continue;
        for (Part& part : message->parts)
            if (auto* text = std::get_if<TextPart>(&part)) remove_thinking(profile, text->text);
    }
}

}  // namespace

std::optional<Failure> refuse_missing_capability(OllamaEndpoint endpoint,
                                                 const ChatRequest& request, const Target& target) {
    using Cause = Failure::Cause;
    const bool chat = endpoint == OllamaEndpoint::kChat;
    const auto* const known = known_capabilities(target);
    if (lacks(target, "completion") && std::ranges::find(*known, "embedding") != known->end())
        return Failure{
            Cause::kBadRequest,
            fmt::format("\"{}\" does not support {}", request.model, chat ? "chat" : "generate"),
            400};
    if (request.think.wanted() && !can_think(target))
        return Failure{Cause::kBadRequest,
                       fmt::format("\"{}\" does not support thinking", request.model), 400};
    if (!request.tools.empty() && lacks(target, "tools"))
        return Failure{Cause::kBadRequest,
                       fmt::format("{} does not support tools", full_model_name(request.model)),
                       400};
    return std::nullopt;
}

void apply_sampling(const Profile& profile, Sampling& sampling, std::vector<Extra>& extras) {
    sampling.fill_from(profile.parameters);
    if (profile.sampling_defaults == SamplingDefaults::kOllama) {
        Sampling defaults;
        defaults.temperature = 0.8;
        defaults.top_k = 40;
        defaults.top_p = 0.9;
        sampling.fill_from(defaults);
    }
    // Only what the engine itself understands: the client did not ask for the rest, so there is
    // nothing to declare to it.
    for (const Extra& extra : profile.parameter_extras)
        if (!find_option(extra.name) &&
            std::ranges::find(extras, extra.name, &Extra::name) == extras.end())
            extras.push_back(extra);
}

void apply_profile(OllamaEndpoint endpoint, const Target& target, ChatRequest& request) {
    const Profile& profile = *target.profile;
    std::vector<Message>& messages = request.messages;
    const bool own_system = !messages.empty() && messages.front().role == "system";
    // Generate's system text replaces the model's and stays in front; in chat the request's
    // messages stay together (wire 1.5).
    const bool generate = endpoint == OllamaEndpoint::kGenerate;
    messages.insert(generate && own_system ? std::next(messages.begin()) : messages.begin(),
                    profile.messages.begin(), profile.messages.end());
    if (!own_system && !profile.system.empty())
        messages.insert(messages.begin(), text_message("system", profile.system));
    forget_old_thinking(profile, messages);
    apply_sampling(profile, request.sampling, request.extras);
    // Absent means on for a model that can (wire 3.4), and such a model is always told.
    if (request.think.mode == Think::Mode::kUnset && can_think(target))
        request.think.mode = Think::Mode::kOn;
}

}  // namespace segue::llm
