// A mock vLLM for measuring what stands before it: fixed answers, no work.  usage:
// segue-bench-upstream PORT /v1/chat/completions answers one JSON object, or, when the body asks
// for a stream, 20 events at once; the routes that Segue probes are there too.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "net/loop.hpp"
#include "net/server.hpp"

namespace {

using namespace segue;

constexpr std::string_view kObject =
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1795426549,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"The capital of France is Paris.","refusal":null,"annotations":null,"audio":null,"function_call":null,"reasoning":null},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],"usage":{"prompt_tokens":24,"total_tokens":35,"completion_tokens":11,"prompt_tokens_details":null}})";

std::string make_stream() {
    const auto chunk = [](std::string_view choices, std::string_view more) {
        return std::string(
                   R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795426549,"model":"bench","choices":[)") +
               std::string(choices) + "]" + std::string(more) + "}\n\n";
    };
    std::string out = chunk(
        R"({"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null})",
        "");
    for (int i = 0; i < 20; ++i)
        out += chunk(
            R"({"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null,"token_ids":null})",
            "");
    out += chunk(
        R"({"index":0,"delta":{},"logprobs":null,"finish_reason":"stop","stop_reason":null})", "");
    out += chunk("", R"(,"usage":{"prompt_tokens":24,"total_tokens":44,"completion_tokens":20})");
    return out + "data: [DONE]\n\n";
}

class Answer final : public net::Handler {
public:
    explicit Answer(net::Responder& responder) : responder_(responder) {}
    void on_head(const net::RequestHead& head) override { path_ = head.path; }
    void on_body(std::string_view bytes) override { body_.append(bytes); }
    void on_body_end() override {
        static const std::string stream = make_stream();
        static const net::Headers json{{"Content-Type", "application/json"}};
        static const net::Headers sse{{"Content-Type", "text/event-stream; charset=utf-8"}};
        if (path_ == "/v1/chat/completions") {
            if (body_.find("\"stream\":true") == std::string::npos)
                return responder_.respond(200, json, kObject);
            responder_.send_head(200, sse, net::Responder::Framing::kChunked);
            responder_.send_body(stream);
            return responder_.finish();
        }
        if (path_ == "/version") return responder_.respond(200, json, R"({"version":"0.32.0"})");
        if (path_ == "/health") return responder_.respond(200, {}, "");
        if (path_ == "/v1/models")
            return responder_.respond(
                200, json,
                R"({"object":"list","data":[{"id":"bench","object":"model","owned_by":"vllm","root":"bench","max_model_len":8192}]})");
        responder_.respond(404, json, R"({"detail":"Not Found"})");
    }
    void on_client_gone() override {}

private:
    net::Responder& responder_;
    std::string path_;
    std::string body_;
};

class Upstream final : public net::Application {
public:
    std::unique_ptr<net::Handler> make_handler(net::Responder& responder) override {
        return std::make_unique<Answer>(responder);
    }
    std::pair<std::string, std::string> render_error(const net::ProtocolError& error) override {
        return {error.message, "text/plain"};
    }
};

}  // namespace

int main(int argc, char** argv) {
    auto loop = net::Loop::open();
    auto listener = net::Listener::open(std::string("127.0.0.1:") + (argc > 1 ? argv[1] : "0"));
    if (!loop || !listener) {
        std::fprintf(stderr, "cannot listen\n");
        return 3;
    }
    Upstream upstream;
    net::Server server(**loop, upstream, {});
    server.accept_from(listener->fd());
    std::printf("%s\n", listener->address().c_str());
    std::fflush(stdout);
    (*loop)->run();
}
