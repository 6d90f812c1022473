/// The /v1 shim of an Ollama (wire 1.12): chat/completions, completions, embeddings, models.
#include <fmt/format.h>

#include "base/text.hpp"
#include "engine/rehearsal/embedding.hpp"
#include "engine/rehearsal/ollama_routes.hpp"
#include "engine/rehearsal/ollama_writer.hpp"

namespace segue::engine::rehearsal {
namespace {

using Kind = Piece::Kind;

std::string shim_error(int status, std::string_view message) {
    const std::string_view type = status == 400   ? "invalid_request_error"
                                  : status == 404 ? "not_found_error"
                                                  : "api_error";
    return go_escaped(json::object([&](json::Writer& w) {
               w.key("error").begin_object().member("message", message).member("type", type);
               w.member_null("param").member_null("code").end_object();
           })) +
           "\n";
}

void send_shim_error(Exchange& exchange, const OllamaRefusal& refusal) {
    exchange.send(refusal.status, kPlainJson, shim_error(refusal.status, refusal.message));
}

enum class ShimRoute : bool { kCompletions, kChat };

struct ShimCall {
    OllamaCall call;
    bool is_chat = true;
    bool include_usage = false;
};

class ShimWriter final : public AnswerWriter {
public:
    ShimWriter(EngineState& state, ShimCall call, Answer answer)
        : AnswerWriter({std::move(answer)}),
          state_(state),
          call_(std::move(call)),
          id_(fmt::format("{}-{}", call_.is_chat ? "chatcmpl" : "cmpl", state.random.below(999))) {}

    bool streams() const override { return call_.call.stream; }
    std::string_view content_type() const override {
        return streams() ? "text/event-stream" : "application/json";
    }
    void begin(std::string&) override {}

    void piece(std::size_t, const Piece& piece, bool, std::string& out) override {
        std::string reasoning;
        std::string text;
        if (piece.kind == Kind::kReasoning) {
            reasoning = seen_reasoning_ ? piece.text : std::string(trim_left(piece.text));
            seen_reasoning_ = seen_reasoning_ || !reasoning.empty();
        } else if (piece.kind == Kind::kText) {
            text = seen_reasoning_ && !seen_text_ ? std::string(trim_left(piece.text)) : piece.text;
            seen_text_ = seen_text_ || !text.empty();
        }
        const bool is_call = piece.kind == Kind::kCallClose;
        if (reasoning.empty() && text.empty() && !is_call) return;
        event(out, [&](json::Writer& w) {
            if (!call_.is_chat) {
                w.member("text", text).member("index", 0).member_null("finish_reason");
                return;
            }
            w.member("index", 0).key("delta").begin_object();
            if (!role_sent_) w.member("role", "assistant");
            role_sent_ = true;
            w.member("content", text);
            if (!reasoning.empty()) w.member("reasoning", reasoning);
            if (is_call) write_calls(piece.call, 1, w);
            w.end_object().member_null("finish_reason");
        });
    }

    void end(const Measured&, std::string& out) override {
        event(out, [&](json::Writer& w) {
            if (call_.is_chat) {
                w.member("index", 0).key("delta").begin_object().end_object();
            } else {
                w.member("text", "").member("index", 0);
            }
            w.member("finish_reason", finish_reason());
        });
        if (call_.include_usage) {
            out += "data: " + json::object([&](json::Writer& w) {
                       head(w, "chat.completion.chunk");
                       w.key("choices").begin_array().end_array();
                       usage(w);
                   }) +
                   "\n\n";
        }
        out += "data: [DONE]\n\n";
    }

    std::string whole(const Measured&) override {
        const Answer& answer = answers().front();
        return go_escaped(json::object([&](json::Writer& w) {
                   head(w, call_.is_chat ? "chat.completion" : "text_completion");
                   w.key("choices").begin_array().begin_object();
                   const std::string reasoning(trim_left(answer.reasoning()));
                   const std::string text = answer.text();
                   const std::string_view shown =
                       reasoning.empty() ? std::string_view(text) : trim_left(text);
                   if (call_.is_chat) {
                       w.member("index", 0)
                           .key("message")
                           .begin_object()
                           .member("role", "assistant");
                       w.member("content", shown);
                       if (!reasoning.empty()) w.member("reasoning", reasoning);
                       if (answer.calls_complete() && !answer.calls.empty())
                           write_calls(0, answer.calls.size(), w);
                       w.end_object();
                   } else {
                       w.member("text", shown).member("index", 0);
                   }
                   w.member("finish_reason", finish_reason()).end_object().end_array();
                   usage(w);
               })) +
               "\n";
    }

    std::string refusal(int status, std::string_view message) const override {
        return shim_error(status, message);
    }
    std::string_view refusal_type() const override { return "application/json"; }
    std::string_view busy_message() const override {
        return "server busy, please try again.  maximum pending requests exceeded";
    }
    std::string_view template_message() const override { return "template: :1: unexpected EOF"; }
    // A broken stream of this shim ends with an empty chunk and without [DONE] (wire 1.12).
    std::string stream_error(std::string_view) const override { return "data: {}\n\n"; }
    std::string garbage() const override { return "data: {\"id\": rehearsed garbage\n\n"; }

private:
    void head(json::Writer& w, std::string_view object) const {
        w.member("id", id_).member("object", object);
        w.member("created", unix_seconds(state_.clock.wall())).member("model", call_.call.model);
        w.member("system_fingerprint", "fp_ollama");
    }
    template <class Fill>
    void event(std::string& out, Fill&& fill) {
        out += "data: " + go_escaped(json::object([&](json::Writer& w) {
                   head(w, call_.is_chat ? "chat.completion.chunk" : "text_completion");
                   w.key("choices").begin_array().begin_object();
                   fill(w);
                   w.end_object().end_array();
               })) +
               "\n\n";
    }
    void write_calls(std::size_t first, std::size_t count, json::Writer& w) {
        w.key("tool_calls").begin_array();
        for (std::size_t i = first; i < first + count; ++i) {
            const CalledTool& call = answers().front().calls[i];
            w.begin_object().member("id", "call_" + state_.alphanumeric(8)).member("index", i);
            w.member("type", "function").key("function").begin_object().member("name", call.name);
            w.member("arguments", json::minify(call.arguments)).end_object().end_object();
        }
        w.end_array();
    }
    std::string_view finish_reason() const {
        const Answer& answer = answers().front();
        if (!answer.calls.empty() && answer.calls_complete()) return "tool_calls";
        return answer.finish == Answer::Finish::kLength ? "length" : "stop";
    }
    void usage(json::Writer& w) const {
        const Answer& answer = answers().front();
        w.key("usage").begin_object().member("prompt_tokens", answer.prompt_tokens);
        w.member("completion_tokens", answer.completion_tokens);
        w.member("total_tokens", answer.prompt_tokens + answer.completion_tokens).end_object();
    }

    EngineState& state_;
    ShimCall call_;
    std::string id_;
    bool role_sent_ = false;
    bool seen_reasoning_ = false;
    bool seen_text_ = false;
};

OllamaOutcome<void> read_shim_messages(json::Value messages, Prompt& out) {
    for (json::Value message : messages) {
        const std::string role = to_lower(message["role"].string());
        const json::Value content = message["content"];
        PromptMessage one{role, std::string(content.string())};
        for (json::Value call : message["tool_calls"]) {
            const std::string_view arguments = call["function"]["arguments"].string();
            if (!json::is_object(arguments)) {
                return tl::make_unexpected(OllamaRefusal{400, "invalid tool call arguments"});
            }
            one.calls.push_back(
                {std::string(call["function"]["name"].string()), std::string(arguments)});
        }
        // Parts become messages of their own (wire 1.12).
        for (json::Value part : content) {
            if (part["type"].string() == "text") {
                out.messages.push_back({role, std::string(part["text"].string())});
            } else if (part["type"].string() == "image_url") {
                return tl::make_unexpected(OllamaRefusal{400,
                                                         "image URLs are not currently supported, "
                                                         "please use base64 encoded data instead"});
            }
        }
        if (!content.is_array()) out.messages.push_back(std::move(one));
    }
    return {};
}

OllamaOutcome<ShimCall> read_shim_call(json::Value request, EngineState& state, ShimRoute route) {
    const auto refuse = [](int status, std::string message) {
        return tl::make_unexpected(OllamaRefusal{status, std::move(message)});
    };
    ShimCall out;
    const bool is_chat = route == ShimRoute::kChat;
    out.is_chat = is_chat;
    OllamaCall& call = out.call;
    call.model = request["model"].string();
    call.context = state.options.max_model_len;
    call.stream = request["stream"].boolean(false);
    out.include_usage = request["stream_options"]["include_usage"].boolean();
    if (!state.models.find(call.model))
        return refuse(404, fmt::format("model '{}' not found", call.model));
    if (is_chat) {
        if (request["messages"].empty()) return refuse(400, "[] is too short - 'messages'");
        SEGUE_TRY_VOID(read_shim_messages(request["messages"], call.prompt));
    } else {
        call.prompt.messages.push_back({"user", std::string(request["prompt"].string())});
    }
    std::string_view effort = request["reasoning_effort"].string();
    if (const json::Value nested = request["reasoning"]["effort"]) effort = nested.string();
    call.prompt.thinking = state.options.thinks && effort != "none";
    call.prompt.tools = read_tools(request["tools"]);
    const json::Value format = request["response_format"];
    if (format["type"].string() == "json_object") call.prompt.json_object = true;
    if (format["type"].string() == "json_schema")
        call.prompt.schema = format["json_schema"]["schema"].raw();
    const json::Value stop = request["stop"];
    if (stop.is_string()) call.prompt.stops.emplace_back(stop.string());
    for (json::Value one : stop)
        call.prompt.stops.emplace_back(one.string());
    if (const auto limit = request["max_tokens"].integer(); limit && *limit > 0)
        call.prompt.max_tokens = *limit;
    return out;
}

void serve_shim(Exchange& exchange, ShimRoute route) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request) {
        // Refused before the shim is reached: charset, and no newline (recording "v1_bad_json").
        std::string body = shim_error(request.error().status, request.error().message);
        body.pop_back();
        return exchange.send(request.error().status, kOllamaJson, body);
    }
    auto call = read_shim_call(*request, state, route);
    if (!call) return send_shim_error(exchange, call.error());
    keep_loaded(state, call->call);
    auto answer = answer_ollama(state, call->call);
    if (!answer) return send_shim_error(exchange, answer.error());
    exchange.generate(std::make_unique<ShimWriter>(state, std::move(*call), std::move(*answer)));
}

}  // namespace

void ollama_v1_chat(Exchange& exchange) {
    serve_shim(exchange, ShimRoute::kChat);
}
void ollama_v1_completions(Exchange& exchange) {
    serve_shim(exchange, ShimRoute::kCompletions);
}

void ollama_v1_embeddings(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request) return send_shim_error(exchange, request.error());
    const std::string model((*request)["model"].string());
    if (!state.models.find(model)) {
        return send_shim_error(
            exchange, {404, fmt::format("model \"{}\" not found, try pulling it first", model)});
    }
    const json::Value input = (*request)["input"];
    if (input.absent() || (!input.is_string() && input.empty()))
        return send_shim_error(exchange, {400, "invalid input"});
    if (!state.options.embeds) {
        return send_shim_error(
            exchange,
            {501, "This server does not support embeddings. Start it with `--embeddings`"});
    }
    const bool as_base64 = (*request)["encoding_format"].string() == "base64";
    std::int64_t tokens = 0;
    std::string body = json::object([&](json::Writer& w) {
        w.member("object", "list").key("data").begin_array();
        std::int64_t index = 0;
        const auto add = [&](std::string_view text) {
            const auto vector = embed_text(text, state.options.embedding_length, Normalised::kYes);
            w.begin_object().member("object", "embedding");
            if (as_base64) w.member("embedding", write_vector_base64(vector));
            if (!as_base64) w.member_raw("embedding", write_vector(vector));
            w.member("index", index++).end_object();
            tokens += static_cast<std::int64_t>(count_tokens(text));
        };
        if (input.is_string()) add(input.string());
        for (json::Value one : input)
            add(one.string());
        w.end_array().member("model", model).key("usage").begin_object();
        w.member("prompt_tokens", tokens).member("total_tokens", tokens).end_object();
    });
    exchange.send(200, kPlainJson, body + "\n");
}

void ollama_v1_models(Exchange& exchange) {
    EngineState& state = exchange.state();
    const auto entry = [](std::string_view id, const RehearsalModel& model, json::Writer& w) {
        w.begin_object().member("id", id).member("object", "model");
        w.member("created", unix_seconds(model.modified))
            .member("owned_by", "library")
            .end_object();
    };
    constexpr std::string_view kOne = "/v1/models/";
    if (exchange.head().path.starts_with(kOne)) {
        const std::string name = exchange.head().path.substr(kOne.size());
        const RehearsalModel* model =
            name.find('%') == std::string::npos ? state.models.find(name) : nullptr;
        if (!model) {
            return send_shim_error(
                exchange,
                {404, fmt::format("model '{}' not found", normal_model_name(name).value_or(name))});
        }
        std::string body;
        json::Writer w(body);
        entry(name, *model, w);
        return exchange.send(200, kPlainJson, body + "\n");
    }
    exchange.send(200, kPlainJson, json::object([&](json::Writer& w) {
                                       w.member("object", "list").key("data").begin_array();
                                       for (const RehearsalModel* model : state.models.list())
                                           entry(model->name, *model, w);
                                       w.end_array();
                                   }) + "\n");
}

}  // namespace segue::engine::rehearsal
