/// What a vLLM tells of itself: models, metrics, tokens (wire 2.5, 2.7).
#include <fmt/format.h>

#include "engine/rehearsal/vllm_routes.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::string_view kJson = "application/json";

}  // namespace

void vllm_models(Exchange& exchange) {
    EngineState& state = exchange.state();
    // vLLM says "now" at every call.
    const std::int64_t now = unix_seconds(state.clock.wall());
    std::string body = json::object([&](json::Writer& w) {
        w.member("object", "list").key("data").begin_array();
        for (const std::string& name : state.options.models) {
            w.begin_object().member("id", name).member("object", "model").member("created", now);
            // Clients tell vLLM by owned_by; the label is in root and in the header of every
            // answer.
            w.member("owned_by", "vllm")
                .member("root", fmt::format("{}/{}", kLabel, name))
                .member_null("parent");
            w.member("max_model_len", state.options.max_model_len)
                .key("permission")
                .begin_array()
                .begin_object();
            w.member("id", "modelperm-" + state.hex(16))
                .member("object", "model_permission")
                .member("created", now);
            w.member("allow_create_engine", false)
                .member("allow_sampling", true)
                .member("allow_logprobs", true);
            w.member("allow_search_indices", false)
                .member("allow_view", true)
                .member("allow_fine_tuning", false);
            w.member("organization", "*").member_null("group").member("is_blocking", false);
            w.end_object().end_array().end_object();
        }
        w.end_array();
    });
    exchange.send(200, kJson, body);
}

void vllm_metrics(Exchange& exchange) {
    const EngineState& state = exchange.state();
    const EngineLoad load{state.slots.running(), state.slots.waiting(), state.cache_usage(),
                          state.cache_blocks(),  state.sleep_level,     state.served_name()};
    exchange.send(200, "text/plain; version=1.0.0; charset=utf-8",
                  write_vllm_metrics(state.metrics, load));
}

void vllm_tokenize(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_vllm_json(parser, exchange.head(), exchange.body());
    if (!request) return send_vllm_refusal(exchange, request.error());
    if (const auto wrong = check_model(*request, state)) return send_vllm_refusal(exchange, *wrong);
    std::string text((*request)["prompt"].string());
    if ((*request)["messages"]) {
        const auto prompt = read_vllm_chat(*request, state);
        if (!prompt) return send_vllm_refusal(exchange, prompt.error());
        text = render_prompt(*prompt);
    }
    const std::vector<std::int64_t> ids = state.vocabulary.encode(text);
    exchange.send(
        200, kJson, json::object([&](json::Writer& w) {
            w.member("count", ids.size()).member("max_model_len", state.options.max_model_len);
            w.key("tokens").begin_array();
            for (std::int64_t id : ids)
                w.integer(id);
            w.end_array();
            if (!(*request)["return_token_strs"].boolean()) {
                w.member_null("token_strs");
                return;
            }
            w.key("token_strs").begin_array();
            for (std::int64_t id : ids)
                w.string(state.vocabulary.piece(id));
            w.end_array();
        }));
}

void vllm_detokenize(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_vllm_json(parser, exchange.head(), exchange.body());
    if (!request) return send_vllm_refusal(exchange, request.error());
    std::vector<std::int64_t> ids;
    for (json::Value id : (*request)["tokens"])
        ids.push_back(id.integer().value_or(0));
    exchange.send(200, kJson, json::object([&](json::Writer& w) {
                      w.member("prompt", state.vocabulary.decode(ids));
                  }));
}

}  // namespace segue::engine::rehearsal
