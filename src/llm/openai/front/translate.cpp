#include "llm/openai/front/translate.hpp"

#include "base/result.hpp"
#include "llm/grounding.hpp"
#include "llm/ollama/engine/session.hpp"
#include "llm/openai/front/decode.hpp"
#include "llm/openai/front/encode.hpp"
#include "llm/session.hpp"

namespace segue::llm::openai {
namespace {

/// Ollama's own /v1 gives 1.0 to both where they are absent, over the Modelfile's: equal answers
/// need the same (wire 1.12).
void default_sampling(const BridgeContext& context, Sampling& sampling) {
    if (!context.policy.ollama_sampling_for_openai) return;
    if (!sampling.temperature) sampling.temperature = 1.0;
    if (!sampling.top_p) sampling.top_p = 1.0;
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
    if (context.target.dialect == Dialect::kOllama)
        default_sampling(context, request.sampling);
    else
        request.truncate = false;  // as that engine itself: too long is an error
    OpenAiAnswerOptions options = answer_options(request.model, context);
    options.include_usage = request.include_usage;
    options.logprobs = request.logprobs;
    auto encoder = request.stream ? make_openai_chat_stream_encoder(std::move(options))
                                  : make_openai_chat_encoder(std::move(options));
    auto filters = make_chat_filters(context, request);
    auto session = make_chat_session(std::move(request), context);
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
