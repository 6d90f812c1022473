/// vLLM's pooling routes: embeddings, score, rerank (wire 2.6), all by words in common.
#include <fmt/format.h>

#include <algorithm>

#include "engine/rehearsal/embedding.hpp"
#include "engine/rehearsal/vllm_routes.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::string_view kJson = "application/json";

VllmRefusal bad_request(std::string message, std::string param) {
    return {400, "BadRequestError", std::move(message), std::move(param)};
}

/// From 0 to 1: the cosine of the two texts' vectors, what is negative taken as 0.
double likeness(std::string_view a, std::string_view b, std::size_t length) {
    const auto left = embed_text(a, length, Normalised::kYes);
    const auto right = embed_text(b, length, Normalised::kYes);
    double out = 0;
    for (std::size_t i = 0; i < length; ++i)
        out += static_cast<double>(left[i]) * static_cast<double>(right[i]);
    return std::clamp(out, 0.0, 1.0);
}

std::vector<std::string> texts_of(json::Value value) {
    std::vector<std::string> out;
    if (value.is_string()) out.emplace_back(value.string());
    for (json::Value one : value)
        out.emplace_back(one.is_object() ? one["text"].string() : one.string());
    return out;
}

void write_token_usage(std::int64_t tokens, json::Writer& w) {
    w.key("usage").begin_object().member("prompt_tokens", tokens).member("total_tokens", tokens);
    w.member("completion_tokens", 0).member_null("prompt_tokens_details").end_object();
}

}  // namespace

void vllm_embeddings(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_vllm_json(parser, exchange.head(), exchange.body());
    if (!request) return send_vllm_refusal(exchange, request.error());
    if (const auto wrong = check_model(*request, state)) return send_vllm_refusal(exchange, *wrong);
    const json::Value input = (*request)["input"];
    std::vector<std::string> texts;
    if (input.is_array() && !input.empty() && input.at(0).is_number()) {
        std::vector<std::int64_t> ids;
        for (json::Value id : input)
            ids.push_back(id.integer().value_or(0));
        texts.push_back(state.vocabulary.decode(ids));
    } else {
        texts = texts_of(input);
    }
    const bool has_empty =
        std::any_of(texts.begin(), texts.end(), [](const auto& text) { return text.empty(); });
    if (texts.empty() || has_empty)
        return send_vllm_refusal(exchange, bad_request("input cannot be empty", "input"));
    if (!(*request)["dimensions"].absent()) {
        return send_vllm_refusal(
            exchange,
            bad_request(
                fmt::format("Model \"{}\" does not support matryoshka representation, changing "
                            "output dimensions will lead to poor results.",
                            state.served_name()),
                "dimensions"));
    }
    std::int64_t tokens = 0;
    for (const std::string& text : texts) {
        const auto count = static_cast<std::int64_t>(count_tokens(text));
        const bool may_cut = !(*request)["truncate_prompt_tokens"].absent();
        const auto wrong = check_length(state, static_cast<std::int64_t>(text.size()), count);
        if (wrong && !may_cut) return send_vllm_refusal(exchange, *wrong);
        tokens += std::min(count, state.options.max_model_len);
    }
    const bool as_base64 = (*request)["encoding_format"].string() == "base64";
    exchange.send(200, kJson, json::object([&](json::Writer& w) {
                      w.member("id", "embd-" + state.hex(16)).member("object", "list");
                      w.member("created", unix_seconds(state.clock.wall()))
                          .member("model", state.served_name());
                      w.key("data").begin_array();
                      for (std::size_t i = 0; i < texts.size(); ++i) {
                          const auto vector = embed_text(texts[i], state.options.embedding_length,
                                                         Normalised::kYes);
                          w.begin_object().member("index", i).member("object", "embedding");
                          if (as_base64) w.member("embedding", write_vector_base64(vector));
                          if (!as_base64) w.member_raw("embedding", write_vector(vector));
                          w.end_object();
                      }
                      w.end_array();
                      write_token_usage(tokens, w);
                  }));
}

void vllm_score(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_vllm_json(parser, exchange.head(), exchange.body());
    if (!request) return send_vllm_refusal(exchange, request.error());
    const std::vector<std::string> left = texts_of((*request)["text_1"]);
    const std::vector<std::string> right = texts_of((*request)["text_2"]);
    if (left.empty() || right.empty() || (left.size() != 1 && left.size() != right.size())) {
        return send_vllm_refusal(exchange,
                                 bad_request("Input lengths must be either 1:1, 1:N or N:N", ""));
    }
    exchange.send(200, kJson, json::object([&](json::Writer& w) {
                      w.member("id", "score-" + state.hex(16)).member("object", "list");
                      w.member("created", unix_seconds(state.clock.wall()))
                          .member("model", state.served_name());
                      w.key("data").begin_array();
                      std::int64_t tokens = 0;
                      for (std::size_t i = 0; i < right.size(); ++i) {
                          const std::string& one = left[left.size() == 1 ? 0 : i];
                          w.begin_object().member("index", i).member("object", "score");
                          w.member("score", likeness(one, right[i], state.options.embedding_length))
                              .end_object();
                          tokens +=
                              static_cast<std::int64_t>(count_tokens(one) + count_tokens(right[i]));
                      }
                      w.end_array();
                      write_token_usage(tokens, w);
                  }));
}

void vllm_rerank(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_vllm_json(parser, exchange.head(), exchange.body());
    if (!request) return send_vllm_refusal(exchange, request.error());
    const std::string_view query = (*request)["query"].string();
    const std::vector<std::string> documents = texts_of((*request)["documents"]);
    struct Ranked {
        std::size_t index;
        double score;
    };
    std::vector<Ranked> ranked;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        ranked.push_back({i, likeness(query, documents[i], state.options.embedding_length)});
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
    if (const auto top = (*request)["top_n"].integer(); top && *top > 0) {
        ranked.resize(std::min(ranked.size(), static_cast<std::size_t>(*top)));
    }
    exchange.send(
        200, kJson, json::object([&](json::Writer& w) {
            w.member("id", "rerank-" + state.hex(16)).member("model", state.served_name());
            w.key("usage").begin_object().member("total_tokens", count_tokens(query)).end_object();
            w.key("results").begin_array();
            for (const Ranked& one : ranked) {
                w.begin_object().member("index", one.index).key("document").begin_object();
                w.member("text", documents[one.index]).member_null("multi_modal").end_object();
                w.member("relevance_score", one.score).end_object();
            }
            w.end_array();
        }));
}

}  // namespace segue::engine::rehearsal
