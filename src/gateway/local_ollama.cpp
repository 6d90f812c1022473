#include "gateway/local_ollama.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/model_cards.hpp"
#include "gateway/retriever.hpp"
#include "llm/ollama/front/go_json.hpp"
#include "llm/ollama/front/names.hpp"
#include "llm/relay/ollama_relay.hpp"

namespace segue::gateway {
namespace {

using Cause = llm::Failure::Cause;
using Delivery = llm::ManagementDelivery;

constexpr std::string_view kMayNotManage =
    "this key is limited to some models; use another key to manage models";

LocalOllama::Result said(llm::ManagementAnswer answer) {
    LocalOllama::Result result;
    result.answer = {answer.status, std::move(answer.content_type), std::move(answer.body)};
    return result;
}

LocalOllama::Result listed(std::string body) {
    LocalOllama::Result result;
    result.answer = {200, "application/json; charset=utf-8", std::move(body)};
    return result;
}

LocalOllama::Result refused(Cause cause, std::string message) {
    LocalOllama::Result result;
    result.failure = llm::Failure{cause, std::move(message)};
    return result;
}

/// A management call on its way to an Ollama engine.
class ManagementRequest final : public llm::FrontRequest {
public:
    ManagementRequest(std::string model, llm::OllamaRelayRequest request)
        : model_(std::move(model)), request_(std::move(request)) {}
    llm::Dialect front() const override { return llm::Dialect::kOllama; }
    const std::string& model() const override { return model_; }
    bool streaming() const override { return request_.stream; }
    llm::Outcome<std::unique_ptr<llm::Bridge>> bridge(llm::BridgeContext context) const override {
        return llm::make_ollama_relay(std::move(context), request_);
    }

private:
    std::string model_;
    llm::OllamaRelayRequest request_;
};

bool has_any(json::Value root, std::initializer_list<std::string_view> names) {
    for (const auto name : names) {
        const auto value = root.find_ignoring_case(name);
        if (value.absent() || (value.is_string() && value.string().empty())) continue;
        if ((value.is_object() || value.is_array()) && value.empty()) continue;
        return true;
    }
    return false;
}

}  // namespace

/// A body as Go would read it; `model` under either of its names.
struct LocalOllama::Call {
    json::Parser parser;
    json::Value root;
    std::string text;
    std::string model;
    bool stream = true;

    std::optional<llm::Failure> read(std::string_view body) {
        const auto first = llm::first_go_value(body);
        if (!first)
            return llm::Failure{Cause::kBadRequest,
                                first.error().empty ? "missing request body" : first.error().text};
        text = *first;
        auto parsed = parser.parse(text);
        if (!parsed) {
            text = json::repair_text(text);
            parsed = parser.parse(text);
        }
        if (!parsed) return llm::Failure{Cause::kBadRequest, parsed.error().reason};
        root = *parsed;
        model = root.find_ignoring_case("model").string();
        if (model.empty()) model = root.find_ignoring_case("name").string();
        stream = root.find_ignoring_case("stream").boolean(true);
        return std::nullopt;
    }
    Delivery delivery() const { return stream ? Delivery::kStream : Delivery::kSingle; }
};

std::shared_ptr<engine::Engine> LocalOllama::any_ollama() const {
    std::shared_ptr<engine::Engine> found;
    if (snapshot_.registry->options().backend == engine::Backend::kVllm) return found;
    for (const auto& engine : snapshot_.registry->engines()) {
        const auto facts = engine->facts();
        if (facts->dialect != llm::Dialect::kOllama ||
            facts->state == engine::EngineFacts::State::kDown)
            continue;
        if (!found || (found->config().stand_in && !engine->config().stand_in)) found = engine;
    }
    return found;
}

/// One Ollama and nothing else in force: then its own answers are the exact ones.
std::shared_ptr<engine::Engine> LocalOllama::only_ollama() const {
    const auto& options = snapshot_.registry->options();
    if (!options.models.empty() || !snapshot_.registry->aliases().empty()) return nullptr;
    if (is_limited(caller_)) return nullptr;  // its lists show too much
    std::shared_ptr<engine::Engine> found;
    for (const auto& engine : snapshot_.registry->engines()) {
        const bool is_ollama = engine->facts()->dialect == llm::Dialect::kOllama;
        if (!is_ollama && options.backend == engine::Backend::kOllama) continue;
        if (!is_ollama || found) return nullptr;
        found = engine;
    }
    return found;
}

LocalOllama::Result LocalOllama::relay(const std::shared_ptr<engine::Engine>& engine,
                                       std::string_view served, std::string method,
                                       std::string path, std::string_view body, bool stream) const {
    Result result;
    llm::OllamaRelayRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.body = body;
    request.stream = stream;
    result.request = std::make_unique<ManagementRequest>(std::string(served), std::move(request));
    engine::Candidate candidate;
    candidate.engine = engine;
    candidate.target.dialect = llm::Dialect::kOllama;
    candidate.target.engine = engine->name();
    candidate.target.served_model = served;
    candidate.target.profile = std::make_shared<const llm::Profile>();
    candidate.target.traits = engine->traits();
    result.resolution.kind = engine::Resolution::Kind::kFound;
    result.resolution.candidates = engine::Candidates::single(std::move(candidate));
    return result;
}

std::optional<engine::ClientModel> LocalOllama::known(std::string_view name) const {
    const auto canonical = llm::canonical_model_name(name);
    if (!canonical || !may_use(caller_, *canonical)) return std::nullopt;
    for (auto& model : snapshot_.registry->client_models())
        if (model.name == *canonical) return model;
    // Not listed, yet served: an engine's own name beside a configured one, or a pattern.
    const auto resolution = snapshot_.registry->resolve(name);
    if (resolution.kind != engine::Resolution::Kind::kFound || resolution.candidates.empty())
        return std::nullopt;
    return engine::ClientModel{*canonical, std::string(name), false, {}};
}

LocalOllama::Result LocalOllama::answer(const Route& route, const net::RequestHead& head,
                                        std::string_view body) {
    switch (route.endpoint) {
        case Endpoint::kRoot: {
            Result result;
            result.answer = {200, "text/plain; charset=utf-8", "Ollama is running"};
            return result;
        }
        case Endpoint::kVersion: return version();
        case Endpoint::kTags: return tags(head);
        case Endpoint::kPs: return ps(head);
        case Endpoint::kStatus: return said(llm::status_answer());
        case Endpoint::kMe: return said(llm::me_answer());
        case Endpoint::kSignout:
        case Endpoint::kUserKey: return said(llm::signout_answer());
        case Endpoint::kWebSearch:
        case Endpoint::kWebFetch: return said(llm::web_search_answer());
        case Endpoint::kRecommendations: return said(llm::recommendations_answer());
        case Endpoint::kBlob:
            if (is_limited(caller_)) return refused(Cause::kForbidden, std::string(kMayNotManage));
            if (const auto engine = any_ollama())
                return relay(engine, "", head.method, head.target, body, false);
            return said(head.method == "HEAD" ? llm::blob_missing() : llm::blob_unsupported());
        default: break;
    }
    Call call;
    if (auto failure = call.read(body)) {
        Result result;
        result.failure = std::move(failure);
        return result;
    }
    const bool manages = route.endpoint == Endpoint::kPush || route.endpoint == Endpoint::kCreate ||
                         route.endpoint == Endpoint::kCopy || route.endpoint == Endpoint::kDelete;
    // With a name of its own a limited key could reach what it may not.
    if (manages && is_limited(caller_))
        return refused(Cause::kForbidden, std::string(kMayNotManage));
    switch (route.endpoint) {
        case Endpoint::kShow: return show(call, head);
        case Endpoint::kPull: return pull(call);
        case Endpoint::kPush: return push(call);
        case Endpoint::kCreate: return create(call);
        case Endpoint::kCopy: return copy(call);
        case Endpoint::kDelete: return remove(call);
        default: return refused(Cause::kInternal, "this endpoint has no answer");
    }
}

LocalOllama::Result LocalOllama::tags(const net::RequestHead& head) {
    const auto collections = gateway_.listed_collections();
    if (const auto engine = only_ollama(); engine && head.method == "GET" && collections.empty())
        return relay(engine, "", "GET", "/api/tags", "", false);
    return listed(llm::render_tags(model_cards(*snapshot_.registry, caller_, collections)));
}

LocalOllama::Result LocalOllama::ps(const net::RequestHead& head) {
    if (const auto engine = only_ollama(); engine && head.method == "GET")
        return relay(engine, "", "GET", "/api/ps", "", false);
    return listed(
        llm::render_ps(loaded_cards(*snapshot_.registry, caller_), gateway_.clock().wall()));
}

LocalOllama::Result LocalOllama::version() const {
    const auto engine = any_ollama();
    const std::string known_version = engine ? engine->facts()->version : "";
    return listed(llm::render_version(known_version.empty() ? snapshot_.config->ollama_version
                                                            : known_version));
}

LocalOllama::Result LocalOllama::show(const Call& call, const net::RequestHead& head) {
    if (call.model.empty()) return said(llm::model_required());
    const auto collection = collection_in(*snapshot_.registry, call.model);
    const std::string& name = collection ? collection->model : call.model;
    if (!llm::canonical_model_name(name)) return said(llm::invalid_model_name());
    const auto model = known(name);
    if (!model) return said(llm::show_not_found(call.model));
    const auto resolution = snapshot_.registry->resolve(name);
    if (!resolution.candidates.empty()) {
        const auto& candidate = resolution.candidates.front();
        if (candidate.target.dialect == llm::Dialect::kOllama)
            return relay(candidate.engine, candidate.target.served_model, "POST", "/api/show",
                         call.text, false);
    }
    const auto card = model_card(*snapshot_.registry, *model);
    if (!card) return said(llm::show_not_found(call.model));
    const bool copilot =
        head.headers.find("User-Agent").value_or("").starts_with("GitHubCopilotChat/");
    return listed(
        llm::render_show(*card, copilot ? std::string_view(call.model) : std::string_view{}));
}

LocalOllama::Result LocalOllama::pull(const Call& call) {
    if (!llm::canonical_model_name(call.model)) return said(llm::invalid_model_name());
    const auto model = known(call.model);
    if (model) {
        const auto resolution = snapshot_.registry->resolve(call.model);
        if (!resolution.candidates.empty() &&
            resolution.candidates.front().target.dialect == llm::Dialect::kOllama) {
            const auto& candidate = resolution.candidates.front();
            return relay(candidate.engine, candidate.target.served_model, "POST", "/api/pull",
                         call.text, call.stream);
        }
        if (const auto card = model_card(*snapshot_.registry, *model))
            return said(llm::pull_known(*card, call.delivery()));
    }
    if (const auto engine = any_ollama(); engine && !is_limited(caller_))
        return relay(engine, "", "POST", "/api/pull", call.text, call.stream);
    log::warning(
        "a client asked to pull '{}', which no target serves; add it to 'models' in segue.yaml",
        call.model);
    return said(llm::pull_unknown(call.delivery()));
}

LocalOllama::Result LocalOllama::push(const Call& call) {
    if (call.model.empty()) return said(llm::model_required());
    if (const auto engine = any_ollama())
        return relay(engine, "", "POST", "/api/push", call.text, call.stream);
    return said(llm::push_answer());
}

LocalOllama::Result LocalOllama::create(const Call& call) {
    if (const auto engine = only_ollama())
        return relay(engine, "", "POST", "/api/create", call.text, call.stream);
    const auto canonical = llm::canonical_model_name(call.model);
    if (!canonical) return said(llm::invalid_model_name());
    const std::string from(call.root.find_ignoring_case("from").string());
    const bool has_files = has_any(call.root, {"files"});
    if (from.empty() && !has_files) return said(llm::create_without_source());
    if (has_files ||
        has_any(call.root, {"adapters", "quantize", "quantization", "renderer", "parser"}) ||
        !snapshot_.config->allow_aliases)
        return said(llm::create_unsupported());
    const auto source = known(from);
    if (!source) return said(llm::pull_unknown(call.delivery()));
    if (const auto existing = known(call.model); existing && !existing->alias)
        return said(llm::delete_managed(call.model));

    const auto resolution = snapshot_.registry->resolve(from);
    auto profile =
        profile_from_create(resolution.route ? *resolution.profile() : llm::Profile{}, call.root);
    if (!profile) {
        Result result;
        result.failure = profile.error();
        return result;
    }
    const auto card = model_card(*snapshot_.registry, *source);
    if (!card) return said(llm::pull_unknown(call.delivery()));
    engine::Alias alias{*canonical, source->name, nullptr, gateway_.clock().wall(),
                        std::string(call.root.raw())};
    return make_alias(std::move(alias), llm::create_done(*card, call.delivery()));
}

LocalOllama::Result LocalOllama::copy(const Call& call) {
    if (const auto engine = only_ollama())
        return relay(engine, "", "POST", "/api/copy", call.text, false);
    const std::string source(call.root.find_ignoring_case("source").string());
    const std::string destination(call.root.find_ignoring_case("destination").string());
    if (!llm::canonical_model_name(source)) return said(llm::copy_bad_source(source));
    const auto name = llm::canonical_model_name(destination);
    if (!name) return said(llm::copy_bad_destination(destination));
    const auto model = known(source);
    if (!model) return said(llm::copy_unknown(source));
    if (!snapshot_.config->allow_aliases) return said(llm::copy_unsupported());
    if (const auto existing = known(destination); existing && !existing->alias)
        return said(llm::delete_managed(destination));
    return make_alias({*name, model->name, nullptr, gateway_.clock().wall(), ""},
                      llm::management_done());
}

LocalOllama::Result LocalOllama::make_alias(engine::Alias alias, llm::ManagementAnswer done) {
    if (const auto put = gateway_.aliases().put(std::move(alias)); !put)
        return refused(Cause::kInternal, put.error().detail);
    gateway_.publish_aliases();
    return said(std::move(done));
}

LocalOllama::Result LocalOllama::remove(const Call& call) {
    if (call.model.empty()) return said(llm::model_required());
    if (const auto engine = only_ollama())
        return relay(engine, "", "DELETE", "/api/delete", call.text, false);
    const auto canonical = llm::canonical_model_name(call.model);
    if (canonical) {
        const auto removed = gateway_.aliases().remove(*canonical);
        if (!removed) return refused(Cause::kInternal, removed.error().detail);
        if (*removed) {
            gateway_.publish_aliases();
            return said(llm::management_done());
        }
    }
    if (known(call.model)) return said(llm::delete_managed(call.model));
    return said(llm::model_not_found(call.model));
}

}  // namespace segue::gateway
