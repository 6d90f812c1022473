#include "llm/openai/front/translate.hpp"

#include "base/result.hpp"
#include "llm/filters/filters.hpp"
#include "llm/ollama/engine/session.hpp"
#include "llm/openai/front/decode.hpp"
#include "llm/openai/front/encode.hpp"
#include "llm/session.hpp"

namespace segue::llm::openai {
namespace {

using Filters = std::vector<std::unique_ptr<EventFilter>>;

/// Ollama's own /v1 gives 1.0 to both where they are absent, over the Modelfile's: equal answers
/// need the same (wire 1.12).
void default_sampling(const BridgeContext& context, Sampling& sampling) {
    if (!context.policy.ollama_sampling_for_openai) return;
    if (!sampling.temperature) sampling.temperature = 1.0;
    if (!sampling.top_p) sampling.top_p = 1.0;
}

/// Ollama before 0.9 leaves the thinking in the content, with its tags (wire 5.3).
Filters filters_for(const ChatRequest& request, const Target& target) {
    Filters filters;
    const bool may_think = target.capabilities.empty() || target.has_capability("thinking");
    if (!may_think) return filters;
    if (target.profile->split_reasoning) {
        Profile profile = *target.profile;
        profile.template_opens_think =
            false;  // about the candidate's template; Ollama gives both tags or none
        filters.push_back(make_think_splitter(profile));
    }
    if (request.think.mode == Think::Mode::kOff) filters.push_back(make_reasoning_dropper());
    return filters;
}

OpenAiAnswerOptions answer_options(const std::string& model, const BridgeContext& context) {
    OpenAiAnswerOptions options;
    options.model = model.empty() ? context.target.served_model : model;
    options.both_reasoning_fields = context.policy.both_reasoning_fields;
    return options;
}

}  // namespace

Outcome<std::unique_ptr<Bridge>> translate_chat(json::Value body, BridgeContext context) {
    Declarations declared;
    SEGUE_TRY(request, decode_chat(body, declared));
    default_sampling(context, request.sampling);
    OpenAiAnswerOptions options = answer_options(request.model, context);
    options.include_usage = request.include_usage;
    options.logprobs = request.logprobs;
    auto encoder = request.stream ? make_openai_chat_stream_encoder(std::move(options))
                                  : make_openai_chat_encoder(std::move(options));
    auto filters = filters_for(request, context.target);
    auto session = make_ollama_chat_session(std::move(request), context);
    return make_translating_bridge(Dialect::kOpenAi, std::move(context), std::move(session),
                                   std::move(filters), std::move(encoder), std::move(declared));
}

Outcome<std::unique_ptr<Bridge>> translate_completion(json::Value body, BridgeContext context) {
    Declarations declared;
    SEGUE_TRY(request, decode_completion(body, declared));
    default_sampling(context, request.sampling);
    OpenAiAnswerOptions options = answer_options(request.model, context);
    options.include_usage = request.include_usage;
    options.copies = static_cast<std::size_t>(request.choices);
    if (request.echo) options.echo = request.prompts;
    auto encoder = request.stream ? make_openai_completion_stream_encoder(std::move(options))
                                  : make_openai_completion_encoder(std::move(options));
    auto session = make_ollama_completion_session(std::move(request), context);
    return make_translating_bridge(Dialect::kOpenAi, std::move(context), std::move(session), {},
                                   std::move(encoder), std::move(declared));
}

Outcome<std::unique_ptr<Bridge>> translate_embed(json::Value body, BridgeContext context) {
    Declarations declared;
    SEGUE_TRY(decoded, decode_embed(body, declared));
    auto encoder = make_openai_embeddings_encoder(answer_options(decoded.request.model, context),
                                                  decoded.format);
    auto session = make_ollama_embed_session(std::move(decoded.request), context);
    return make_translating_bridge(Dialect::kOpenAi, std::move(context), std::move(session), {},
                                   std::move(encoder), std::move(declared));
}

}  // namespace segue::llm::openai
