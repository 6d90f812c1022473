#include "llm/ollama/front/front.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/result.hpp"
#include "llm/affinity.hpp"
#include "llm/filters/filters.hpp"
#include "llm/gotemplate/gotemplate.hpp"
#include "llm/grounding.hpp"
#include "llm/ollama/front/apply_profile.hpp"
#include "llm/ollama/front/decode.hpp"
#include "llm/ollama/front/encode.hpp"
#include "llm/ollama/front/instant_bridge.hpp"
#include "llm/openai/engine/session.hpp"
#include "llm/relay/ollama_relay.hpp"
#include "llm/session.hpp"

namespace segue::llm {
namespace {

using Cause = Failure::Cause;
using Filters = std::vector<std::unique_ptr<EventFilter>>;
using MadeBridge = Outcome<std::unique_ptr<Bridge>>;

class OllamaFrontRequest final : public FrontRequest {
public:
    explicit OllamaFrontRequest(OllamaRequest request) : request_(std::move(request)) {}

    Dialect front() const override { return Dialect::kOllama; }
    const std::string& model() const override { return request_.model; }
    bool streaming() const override {
        return request_.stream && request_.purpose == OllamaRequest::Purpose::kAnswer;
    }

    std::uint64_t affinity_key() const override {
        const bool talks = request_.endpoint == OllamaEndpoint::kChat ||
                           request_.endpoint == OllamaEndpoint::kGenerate;
        if (!talks || request_.purpose != OllamaRequest::Purpose::kAnswer) return 0;
        // generate's turns are in its context: the first ids of a conversation stay the same.
        if (!request_.context.empty()) {
            constexpr std::size_t kIds = 64;
            const auto count = std::min(kIds, request_.context.size());
            std::string ids;
            for (std::size_t i = 0; i < count; ++i)
                ids += std::to_string(request_.context[i]) + ",";
            return AffinityKey().add(ids).value();
        }
        if (request_.chat.messages.empty() && !request_.prompt.empty())
            return AffinityKey().add(request_.system).add_prompt(request_.prompt).value();
        return affinity_of(request_.chat.messages);
    }

    Outcome<std::vector<Message>> turns() const override {
        if (request_.endpoint != OllamaEndpoint::kChat &&
            request_.endpoint != OllamaEndpoint::kGenerate)
            return FrontRequest::turns();
        if (request_.purpose != OllamaRequest::Purpose::kAnswer) return std::vector<Message>{};
        if (is_completion())
            return refuse(Cause::kBadRequest,
                          "a collection behind a model's name is for chats and plain prompts, not "
                          "for raw, template and suffix",
                          400);
        return request_.chat.messages;
    }

    MadeBridge bridge(BridgeContext context) const override {
        if (context.target.dialect == Dialect::kOllama && !context.grounding)
            return make_ollama_relay(std::move(context),
                                     std::string(ollama_path(request_.endpoint)), request_.body,
                                     streaming());
        if (request_.late_failure) return tl::make_unexpected(*request_.late_failure);
        switch (request_.endpoint) {
            case OllamaEndpoint::kChat:
            case OllamaEndpoint::kGenerate: return answering(std::move(context));
            case OllamaEndpoint::kEmbed:
                return embedding(std::move(context), OllamaEmbedEncoding::Shape::kEmbed);
            case OllamaEndpoint::kEmbeddings:
                return embedding(std::move(context), OllamaEmbedEncoding::Shape::kEmbeddings);
        }
        return refuse(Cause::kInternal, "unknown endpoint");
    }

private:
    OllamaEncoding::Shape shape() const {
        return request_.endpoint == OllamaEndpoint::kChat ? OllamaEncoding::Shape::kChat
                                                          : OllamaEncoding::Shape::kGenerate;
    }

    /// A prompt that goes to the model without a chat template.
    bool is_completion() const {
        return request_.raw || !request_.template_text.empty() || !request_.suffix.empty();
    }

    MadeBridge embedding(BridgeContext context, OllamaEmbedEncoding::Shape shape) const {
        if (request_.embed.inputs.empty())
            return make_instant_bridge(ollama_empty_embedding(shape, request_.model));
        auto session = make_openai_embed_session(request_.embed, context);
        return make_translating_bridge(
            Dialect::kOllama, std::move(context), std::move(session), Filters{},
            make_ollama_embed_encoder({shape, request_.model, request_.embed.dimensions}),
            Declarations{});
    }

    MadeBridge answering(BridgeContext context) const {
        if (request_.purpose != OllamaRequest::Purpose::kAnswer) {
            const auto reason = request_.purpose == OllamaRequest::Purpose::kLoad
                                    ? FinishReason::kLoad
                                    : FinishReason::kUnload;
            return make_load_bridge({shape(), request_.model, reason}, std::move(context));
        }
        if (request_.debug_render_only)
            return refuse(Cause::kBadRequest, "not supported by this engine", 400);
        const bool by_engine = !context.grounding || context.grounding->said.empty();
        if (by_engine)
            if (auto failure =
                    refuse_missing_capability(request_.endpoint, request_.chat, context.target))
                return tl::make_unexpected(std::move(*failure));
        if (is_completion()) return completing(std::move(context));

        ChatRequest chat = request_.chat;
        // An Ollama has its own.
        if (context.target.dialect != Dialect::kOllama)
            apply_profile(request_.endpoint, context.target, chat);
        const bool exact_context =
            request_.endpoint == OllamaEndpoint::kGenerate && context.target.profile->exact_context;
        if (exact_context) {
            chat.context = request_.context;
            chat.want_token_ids = true;
        }
        auto filters = make_chat_filters(context, chat);
        auto session = make_chat_session(std::move(chat), context);
        return translating(std::move(context), std::move(session), std::move(filters),
                           exact_context);
    }

    /// Raw prompts, templates and gaps to fill go to the model without a chat
    /// template (wire 3.3).
    MadeBridge completing(BridgeContext context) const {
        const Profile& profile = *context.target.profile;
        CompletionRequest completion;
        completion.model = request_.model;
        if (request_.raw) {
            completion.prompts.push_back(request_.prompt);
        } else if (!request_.template_text.empty()) {
            const std::string& system = request_.system.empty() ? profile.system : request_.system;
            TemplateData data;
            data.system = system;
            data.prompt = request_.prompt;
            data.suffix = request_.suffix;
            if (!system.empty()) data.messages.push_back({"system", system});
            data.messages.push_back({"user", request_.prompt});
            SEGUE_TRY(prompt, render_go_template(request_.template_text, data));
            completion.prompts.push_back(std::move(prompt));
        } else {
            completion.prompts.push_back(request_.prompt);
            completion.suffix = request_.suffix;
            completion.has_suffix = true;
        }
        completion.images = request_.images;
        completion.format = request_.chat.format;
        completion.sampling = request_.chat.sampling;
        completion.extras = request_.chat.extras;
        completion.logprobs = request_.chat.logprobs;
        completion.top_logprobs = request_.chat.top_logprobs;
        completion.stream = request_.stream;
        completion.keep_alive = request_.chat.keep_alive;
        apply_sampling(profile, completion.sampling, completion.extras);
        // Raw answers carry no context (wire 1.6).
        const bool exact_context = profile.exact_context && !request_.raw;
        if (exact_context && std::ranges::find(completion.extras, "return_token_ids",
                                               &Extra::name) == completion.extras.end())
            completion.extras.push_back({"return_token_ids", "true"});
        // A template's answer may think; raw text is given as the model wrote it.
        Filters filters;
        if (!request_.raw && request_.suffix.empty())
            filters = make_thinking_filters(context.target, request_.chat.think);
        auto session = make_openai_completion_session(std::move(completion), context);
        return translating(std::move(context), std::move(session), std::move(filters),
                           exact_context);
    }

    MadeBridge translating(BridgeContext context, std::unique_ptr<EngineSession> session,
                           Filters filters, bool exact_context) const {
        OllamaEncoding encoding;
        encoding.shape = shape();
        encoding.delivery =
            request_.stream ? OllamaEncoding::Delivery::kStream : OllamaEncoding::Delivery::kSingle;
        encoding.model = request_.model;
        encoding.context =
            exact_context ? OllamaEncoding::Context::kGiven : OllamaEncoding::Context::kLeftOut;
        return make_translating_bridge(Dialect::kOllama, std::move(context), std::move(session),
                                       std::move(filters), make_ollama_encoder(std::move(encoding)),
                                       Declarations{});
    }

    OllamaRequest request_;
};

}  // namespace

Outcome<std::unique_ptr<FrontRequest>> decode_ollama_request(OllamaEndpoint endpoint,
                                                             std::string_view body) {
    SEGUE_TRY(request, read_ollama_request(endpoint, body));
    return std::make_unique<OllamaFrontRequest>(std::move(request));
}

}  // namespace segue::llm
