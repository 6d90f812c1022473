// The rehearsal questions of SEG211: what clients do all day still works while Ollama is off.
#include <fmt/format.h>

#include <array>
#include <chrono>

#include "audit/proof/probes.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "net/client.hpp"

namespace segue::audit {
namespace {

// Slow engines exist; one that says nothing for so long has not answered.
constexpr auto kPatience = std::chrono::seconds(120);
constexpr auto kConnect = std::chrono::seconds(5);

// Any model can say something to these; what it says is not judged here.
constexpr std::array<std::string_view, 3> kQuestions{
    "What is the capital of France? Answer with one word.",
    "What is 17 plus 25? Answer with the number.",
    "Say in one sentence what a load balancer does.",
};

Result<net::SimpleResponse> send(const ProofOptions& options, const net::Origin& origin,
                                 std::string path, std::string body = {}) {
    net::ClientRequest request;
    request.origin = origin;
    request.path = std::move(path);
    if (!body.empty()) {
        request.method = "POST";
        request.headers.add("Content-Type", "application/json");
        request.body = std::move(body);
    }
    if (!options.gateway_key.empty())
        request.headers.add("Authorization", "Bearer " + options.gateway_key);
    request.deadlines = {kConnect, kPatience, kPatience, kPatience};
    auto answer = net::fetch(std::move(request));
    if (answer && answer->status != 200)
        return fail(
            Fault::kUnreachable,
            fmt::format("{} {}", answer->status, std::string_view(answer->body).substr(0, 200)));
    return answer;
}

/// A model that stands in the list by itself: not one with a collection behind it.
Result<std::string> some_model(const ProofOptions& options, const net::Origin& origin) {
    SEGUE_TRY(listed, send(options, origin, "/v1/models"));
    json::Parser parser;
    const auto root = parser.parse(listed.body);
    if (root)
        for (const auto model : (*root)["data"])
            if (const auto id = model["id"].string(); !id.empty() && id.find('@') == id.npos)
                return std::string(id);
    return fail(Fault::kNotFound, "it lists no model");
}

}  // namespace

Result<std::string> ask_questions(const ProofOptions& options) {
    const auto origin = net::parse_origin(options.gateway, 8484);
    if (!origin) return fail(Fault::kInvalid, fmt::format("'{}' is no URL", options.gateway));
    SEGUE_TRY(model, some_model(options, *origin));
    for (const auto question : kQuestions) {
        auto asked = json::object([&](json::Writer& w) {
            w.member("model", model).member("max_tokens", 64).member("temperature", 0);
            w.key("messages").begin_array().begin_object();
            w.member("role", "user").member("content", question);
            w.end_object().end_array();
        });
        SEGUE_TRY(answer, send(options, *origin, "/v1/chat/completions", std::move(asked)));
        json::Parser parser;
        const auto root = parser.parse(answer.body);
        const auto message = root ? (*root)["choices"].at(0)["message"] : json::Value();
        if (trim(message["content"].string()).empty() &&
            trim(message["reasoning_content"].string()).empty())
            return fail(Fault::kUnreachable,
                        fmt::format("'{}' got an answer without a word", question));
    }
    return fmt::format("{} answered {} questions", model, kQuestions.size());
}

}  // namespace segue::audit
