#include "gateway/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/access.hpp"
#include "gateway/content_coding.hpp"
#include "gateway/local_ollama.hpp"
#include "gateway/local_openai.hpp"
#include "gateway/model_cards.hpp"
#include "gateway/problem.hpp"
#include "llm/affinity.hpp"
#include "llm/anthropic/front.hpp"
#include "llm/ollama/front/front.hpp"
#include "llm/ollama/front/names.hpp"
#include "llm/openai/front/front.hpp"
#include "llm/openai/responses/front.hpp"

namespace segue::gateway {
namespace {

using Cause = llm::Failure::Cause;

// A long body is put where it fits at once; what is only announced takes no memory before it comes.
constexpr std::size_t kLongPiece = 4096;
constexpr std::size_t kMostReserved = 1024 * 1024;

/// A request id is put into headers and logs: only what is harmless there.
bool is_plain_id(std::string_view text) {
    if (text.empty() || text.size() > 128) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

}  // namespace

Exchange::Exchange(Worker& worker, net::Responder& responder, std::optional<Inside> inside)
    : worker_(worker),
      responder_(responder),
      snapshot_(worker.gateway.snapshot()),
      inside_(std::move(inside)) {
    worker_.gateway.active.fetch_add(1, std::memory_order_relaxed);
}

Exchange::~Exchange() {
    if (look_up_) look_up_->exchange = nullptr;
    worker_.gateway.active.fetch_sub(1, std::memory_order_relaxed);
    if (!logged_) over();
}

void Exchange::on_head(net::RequestHead head) {
    head_ = std::move(head);
    route_ = find_route(head_.method, head_.path);
    record_.received = responder_.started();
    record_.wall = worker_.gateway.clock().wall();
    record_.method = head_.method;
    record_.path = head_.path;
    record_.peer = head_.peer;
    record_.front = front_name(route_);
    record_.endpoint = route_.name;
    start_trace();
    if (!admit()) answered_ = true;
}

/// W3C trace context: the client's trace goes on with a span of our own; without one a trace begins
/// here.
void Exchange::start_trace() {
    const auto id = head_.headers.find("X-Request-Id");
    record_.request_id = id && is_plain_id(*id) ? std::string(*id) : "req_" + random_hex(24);
    response_headers_.add("X-Request-Id", record_.request_id);
    engine_headers_.add("X-Request-Id", record_.request_id);
    const auto header = head_.headers.find("traceparent");
    const auto given = header ? parse_traceparent(*header) : std::nullopt;
    record_.trace_id = given ? std::string(given->trace_id) : random_hex(32);
    std::string_view flags = given ? given->flags : "01";
    if (worker_.gateway.tracer() != nullptr && route_.endpoint != Endpoint::kOwn)
        flags = note_trace(given) ? "01" : "00";
    engine_headers_.add("traceparent", traceparent(record_.trace_id, random_hex(16), flags));
    if (const auto state = head_.headers.find("tracestate"))
        engine_headers_.add("tracestate", *state);
}

bool Exchange::note_trace(const std::optional<TraceContext>& given) {
    const auto decided = given ? std::optional(given->sampled()) : std::nullopt;
    if (!worker_.gateway.tracer()->takes(record_.trace_id, decided)) return false;
    record_.trace = std::make_unique<RequestTrace>(route_.path, given ? given->parent_id : "",
                                                   head_.headers.find("tracestate").value_or(""));
    return true;
}

void Exchange::on_body(std::string_view bytes) {
    record_.bytes_in += bytes.size();
    if (answered_) return;
    if (route_.endpoint == Endpoint::kOwn && body_.size() + bytes.size() > own_limit_) {
        refuse_body(own_limit_);
        return;
    }
    if (body_.empty() && bytes.size() > kLongPiece) {
        std::size_t length = 0;
        const auto said = head_.headers.find("Content-Length").value_or("");
        std::from_chars(said.data(), said.data() + said.size(), length);
        body_.reserve(std::min(length, kMostReserved));
    }
    body_.append(bytes);
}

void Exchange::on_body_end() {
    if (answered_) return;
    if (const auto coding = head_.headers.find("Content-Encoding")) {
        auto decoded = decode_content(
            *coding, std::move(body_),
            route_.endpoint == Endpoint::kOwn ? own_limit_ : snapshot_.config->max_body_bytes);
        if (!decoded) {
            refuse(decoded.error());
            return;
        }
        body_ = std::move(*decoded);
    }
    process();
}

void Exchange::process() {
    using llm::OllamaEndpoint;
    using llm::OpenAiEndpoint;
    switch (route_.endpoint) {
        case Endpoint::kChat:
            return process_decoded(llm::decode_ollama_request(OllamaEndpoint::kChat, body_));
        case Endpoint::kGenerate:
            return process_decoded(llm::decode_ollama_request(OllamaEndpoint::kGenerate, body_));
        case Endpoint::kEmbed:
            return process_decoded(llm::decode_ollama_request(OllamaEndpoint::kEmbed, body_));
        case Endpoint::kEmbeddings:
            return process_decoded(llm::decode_ollama_request(OllamaEndpoint::kEmbeddings, body_));
        case Endpoint::kOpenAiChat:
            return process_decoded(
                llm::decode_openai_request(OpenAiEndpoint::kChat, head_.path, std::move(body_)));
        case Endpoint::kOpenAiCompletions:
            return process_decoded(llm::decode_openai_request(OpenAiEndpoint::kCompletions,
                                                              head_.path, std::move(body_)));
        case Endpoint::kOpenAiEmbeddings:
            return process_decoded(llm::decode_openai_request(OpenAiEndpoint::kEmbeddings,
                                                              head_.path, std::move(body_)));
        case Endpoint::kPassThrough:
            return process_decoded(llm::decode_openai_request(OpenAiEndpoint::kPassThrough,
                                                              head_.path, std::move(body_)));
        case Endpoint::kOpenAiResponses:
            return process_decoded(llm::decode_responses_request(std::move(body_)));
        case Endpoint::kMessages: return process_decoded(llm::decode_anthropic_request(body_));
        case Endpoint::kCountTokens:
            return process_decoded(llm::decode_anthropic_count_request(body_));
        case Endpoint::kOpenAiModels:
            return answer(openai_models(snapshot_, caller_, worker_.gateway.listed_collections(),
                                        head_.headers.has("anthropic-version")));
        case Endpoint::kOpenAiModel: {
            auto found = openai_model(snapshot_, caller_, percent_decode(route_.rest),
                                      head_.headers.has("anthropic-version"));
            return found ? answer(*found) : refuse(found.error());
        }
        case Endpoint::kOwn: return answer_own();
        case Endpoint::kRoot:
            response_headers_.add("Vary", "Accept");
            if (wants_page(head_.headers)) return answer({303, "", "", {{"Location", "/ui/"}}});
            break;
        default: break;
    }
    LocalOllama local(worker_.gateway, snapshot_, caller_);
    auto done = local.answer(route_, head_, body_);
    if (done.request) return dispatch(std::move(done.request), std::move(done.resolution));
    if (done.failure) return refuse(*done.failure);
    answer(done.answer);
}

llm::Failure Exchange::unknown_model(const llm::FrontRequest& request,
                                     const engine::Resolution& resolution) const {
    const std::string& model = request.model();
    llm::Failure failure{Cause::kModelNotFound, ""};
    if (request.front() == llm::Dialect::kOllama) {
        if (resolution.kind == engine::Resolution::Kind::kInvalidName) {
            return {Cause::kBadRequest, "invalid model name"};
        }
        const bool embedding =
            route_.endpoint == Endpoint::kEmbed || route_.endpoint == Endpoint::kEmbeddings;
        failure.message = embedding
                              ? fmt::format("model \"{}\" not found, try pulling it first", model)
                              : fmt::format("model '{}' not found", model);
        return failure;
    }
    std::vector<std::string> names;
    for (const auto& known : visible_models(*snapshot_.registry, caller_))
        names.push_back(known.shown);
    failure.message = fmt::format("The model '{}' does not exist. Available: {}", model,
                                  names.empty() ? "none" : join(names, ", "));
    failure.param = "model";
    return failure;
}

void Exchange::process_decoded(llm::Outcome<std::unique_ptr<llm::FrontRequest>> request) {
    if (!request) {
        refuse(request.error());
        return;
    }
    record_.model = (*request)->model();
    const auto collection = collection_in(*snapshot_.registry, record_.model);
    const std::string& asked = collection ? collection->model : record_.model;
    const engine::Asker asker{worker_.random, [&] { return affinity_key(**request); }};
    auto resolution = snapshot_.registry->resolve(asked, &asker);
    // What a key may not use does not exist for it: as in the lists, so here. A key may be given a
    // model with a collection only.
    if (!may_use(caller_, asked.empty() ? snapshot_.registry->options().default_model : asked) &&
        !(collection && may_use(caller_, record_.model)))
        resolution.kind = engine::Resolution::Kind::kUnknown;
    if (resolution.kind != engine::Resolution::Kind::kFound) {
        refuse(unknown_model(**request, resolution));
        return;
    }
    if (collection) return look_up(std::move(*request), std::move(resolution), *collection);
    dispatch(std::move(*request), std::move(resolution));
}

/// A session that the client names is exact; else the conversation's own beginning tells.
std::uint64_t Exchange::affinity_key(const llm::FrontRequest& request) const {
    for (const std::string_view name : {"Segue-Session", "X-Session-Id"})
        if (const auto session = head_.headers.find(name); session && !session->empty())
            return llm::AffinityKey().add(*session).value();
    return request.affinity_key();
}

void Exchange::dispatch(std::unique_ptr<llm::FrontRequest> request, engine::Resolution resolution) {
    record_.model = request->model();
    record_.listed_model = resolution.listed;
    if (let_in()) send_off(std::move(request), std::move(resolution), nullptr);
}

void Exchange::send_off(std::shared_ptr<const llm::FrontRequest> request,
                        engine::Resolution resolution,
                        std::shared_ptr<const llm::Grounding> grounding) {
    answered_ = true;
    body_ = {};  // the decoded request holds what it needs
    std::function<void(const llm::Failure&)> without_engine;
    if (grounding)
        without_engine = [this, request, grounding](const llm::Failure& failure) {
            record_.failure = failure.message;
            say(*request, grounding->without_engine);
        };
    dispatch_ = std::make_unique<Dispatch>(
        Dispatch::Context{worker_.loop, worker_.client, worker_.gateway.clock(), worker_.shard,
                          responder_, snapshot_.config, response_headers_, engine_headers_, record_,
                          snapshot_.admissions, std::move(grounding), std::move(without_engine)},
        std::move(request), std::move(resolution), [this] { over(); });
    dispatch_->start();
}

void Exchange::on_drained() {
    if (dispatch_) dispatch_->on_drained();
    if (work_) work_->on_drained();
}

void Exchange::on_client_gone() {
    work_.reset();
    if (look_up_) std::exchange(look_up_, nullptr)->exchange = nullptr;
    if (dispatch_) {
        dispatch_->on_client_gone();
    } else if (!logged_) {
        record_.status = 499;
        over();
    }
}

void Exchange::answer_own() {
    answered_ = true;
    work_ = worker_.gateway.own_api().begin({head_, std::move(body_), record_.request_id, caller_},
                                            *this);
}

void Exchange::refuse_body(std::size_t limit) {
    body_ = {};
    answer({413,
            std::string(kProblemType),
            problem_json(413, "Content Too Large",
                         fmt::format("{} takes at most {} bytes; send less, or in parts",
                                     head_.path, limit)),
            {}});
}

net::Headers Exchange::headers_of(const LocalAnswer& local) const {
    net::Headers headers = response_headers_;
    if (!local.content_type.empty()) headers.add("Content-Type", local.content_type);
    for (const auto& [name, value] : local.headers.entries()) {
        // One header a cookie; every other one stands alone.
        iequals(name, "Set-Cookie") ? headers.add(name, value) : headers.set(name, value);
    }
    return headers;
}

void Exchange::answer(const LocalAnswer& local) {
    answered_ = true;
    record_.status = local.status;
    record_.bytes_out = local.body.size();
    responder_.respond(local.status, headers_of(local), local.body);
    over();
}

void Exchange::begin(const LocalAnswer& local) {
    answered_ = true;
    record_.status = local.status;
    responder_.send_head(local.status, headers_of(local), net::Responder::Framing::kChunked);
    if (!local.body.empty()) send(local.body);
}

void Exchange::send(std::string_view bytes) {
    record_.bytes_out += bytes.size();
    responder_.send_body(bytes);
}

void Exchange::finish() {
    responder_.finish();
    over();
}

void Exchange::refuse(const llm::Failure& failure) {
    answered_ = true;
    respond_failure(responder_, route_.front, failure, response_headers_, record_);
    over();
}

void Exchange::over() {
    if (logged_) return;
    logged_ = true;
    if (record_.status == 0) record_.status = 499;
    record_.over = worker_.loop.fresh_now();
    settle();
    count(record_, worker_.shard);
    worker_.usage.note(record_, head_.headers.find("user-agent").value_or(""));
    if (log::level() != log::Level::kOff) log::write_object(access_log_line(record_));
    if (auto* sink = worker_.gateway.record_sink()) sink->take(record_);
    if (record_.trace)
        worker_.gateway.tracer()->push(
            finished_request(std::move(record_), worker_.gateway.clock().wall()));
}

}  // namespace segue::gateway
