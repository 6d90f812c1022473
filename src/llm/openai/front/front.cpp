#include "llm/openai/front/front.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/json.hpp"
#include "base/result.hpp"
#include "llm/affinity.hpp"
#include "llm/openai/front/decode.hpp"
#include "llm/openai/front/fields.hpp"
#include "llm/openai/front/translate.hpp"
#include "llm/relay/openai_relay.hpp"

namespace segue::llm {
namespace {

OpenAiRelayKind relay_kind(OpenAiEndpoint endpoint) {
    switch (endpoint) {
        case OpenAiEndpoint::kChat: return OpenAiRelayKind::kChat;
        case OpenAiEndpoint::kCompletions: return OpenAiRelayKind::kCompletions;
        case OpenAiEndpoint::kEmbeddings: return OpenAiRelayKind::kEmbeddings;
        case OpenAiEndpoint::kPassThrough: return OpenAiRelayKind::kPassThrough;
    }
    return OpenAiRelayKind::kPassThrough;
}

Failure unreadable(const json::ParseError& error) {
    std::string message = error.kind == json::ParseError::Kind::kEmpty
                              ? std::string("the request has no body; send a JSON object")
                              : fmt::format("the request body is not valid JSON: {} (at byte {})",
                                            error.reason, error.offset);
    Failure failure{Failure::Cause::kBadRequest, std::move(message), 400};
    failure.code = "invalid_json";
    return failure;
}

class OpenAiRequest final : public FrontRequest {
public:
    OpenAiRequest(OpenAiEndpoint endpoint, std::string_view path, std::string body,
                  ParsedBody parsed, std::string model, bool streaming, std::uint64_t affinity)
        : endpoint_(endpoint),
          path_(path),
          body_(std::make_shared<const std::string>(std::move(body))),
          parsed_(std::move(parsed)),
          model_(std::move(model)),
          streaming_(streaming),
          affinity_(affinity) {}

    Dialect front() const override { return Dialect::kOpenAi; }
    const std::string& model() const override { return model_; }
    bool streaming() const override { return streaming_; }
    std::uint64_t affinity_key() const override { return affinity_; }

    Outcome<std::vector<Message>> turns() const override {
        if (endpoint_ != OpenAiEndpoint::kChat) return FrontRequest::turns();
        std::optional<json::Parser> parser;
        const auto body = parsed_ ? parsed_->root : parser.emplace().parse(*body_);
        if (!body) return tl::unexpected<Failure>(unreadable(body.error()));
        Declarations declared;
        return openai::decode_messages((*body)["messages"], declared);
    }

    Outcome<std::unique_ptr<Bridge>> bridge(BridgeContext context) const override {
        if (context.target.dialect == Dialect::kOpenAi && !context.grounding) {
            OpenAiRelayRequest relay;
            relay.path = path_;
            relay.body = body_;
            relay.parsed = std::exchange(parsed_, std::nullopt);
            relay.client_model = model_;
            relay.stream = streaming_;
            relay.kind = relay_kind(endpoint_);
            return make_openai_relay(std::move(context), std::move(relay));
        }
        if (endpoint_ == OpenAiEndpoint::kPassThrough)
            return refuse(Failure::Cause::kUnsupported,
                          fmt::format("{} is not offered by engine {}, which is an Ollama", path_,
                                      context.target.engine));
        return translate(std::move(context));
    }

private:
    Outcome<std::unique_ptr<Bridge>> translate(BridgeContext context) const {
        const auto parsed = std::exchange(parsed_, std::nullopt);
        std::optional<json::Parser> parser;
        const auto body = parsed ? parsed->root : parser.emplace().parse(*body_);
        if (!body) return tl::unexpected<Failure>(unreadable(body.error()));
        switch (endpoint_) {
            case OpenAiEndpoint::kChat: return openai::translate_chat(*body, std::move(context));
            case OpenAiEndpoint::kCompletions:
                return openai::translate_completion(*body, std::move(context));
            case OpenAiEndpoint::kEmbeddings:
                return openai::translate_embed(*body, std::move(context));
            case OpenAiEndpoint::kPassThrough: break;
        }
        return refuse(Failure::Cause::kInternal, "this endpoint has no translation");
    }

    OpenAiEndpoint endpoint_;
    std::string path_;
    std::shared_ptr<const std::string> body_;
    /// For the first attempt; a further one reads the body again.
    mutable std::optional<ParsedBody> parsed_;
    std::string model_;
    bool streaming_;
    std::uint64_t affinity_;
};

}  // namespace

Outcome<std::unique_ptr<FrontRequest>> decode_openai_request(OpenAiEndpoint endpoint,
                                                             std::string_view path,
                                                             std::string body) {
    json::Parser parser;
    const auto root = parser.parse(body);
    if (!root) return tl::unexpected<Failure>(unreadable(root.error()));
    if (!root->is_object()) {
        Failure failure{Failure::Cause::kBadRequest, "the request body must be a JSON object", 400};
        failure.code = "invalid_type";
        return tl::unexpected<Failure>(std::move(failure));
    }
    openai::Fields fields(*root);
    std::string model = fields.text("model");
    const bool streaming = fields.boolean("stream").value_or(false);
    if (fields.failed()) return tl::unexpected<Failure>(fields.failure());
    // Now, while it is parsed: reading it again would cost more than the key is worth.
    const bool talks =
        endpoint == OpenAiEndpoint::kChat || endpoint == OpenAiEndpoint::kCompletions;
    const std::uint64_t affinity = talks ? affinity_of_request(*root) : 0;
    return std::make_unique<OpenAiRequest>(endpoint, path, std::move(body),
                                           ParsedBody{std::move(parser), *root}, std::move(model),
                                           streaming, affinity);
}

}  // namespace segue::llm
