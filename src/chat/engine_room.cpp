#include "chat/engine_room.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <future>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/log.hpp"
#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "chat/inside_request.hpp"
#include "llm/openai/engine/decode_stream.hpp"
#include "llm/openai/engine/encode.hpp"
#include "llm/openai/engine/errors.hpp"
#include "net/loop.hpp"

namespace segue::chat {
namespace {

constexpr std::size_t kLongestError = 64 * 1024;
constexpr std::size_t kLongestAnswer = 2 * 1024 * 1024;
constexpr auto kCountPatience = std::chrono::seconds(3);
constexpr std::string_view kAsker = "chat";

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

/// The gateway's own front as a target: what the chat writes and reads is that front's dialect.
llm::Target front_target(std::string model) {
    llm::Target target;
    target.dialect = llm::Dialect::kOpenAi;
    target.engine = "segue";
    target.served_model = std::move(model);
    target.profile = std::make_shared<const llm::Profile>();
    target.traits = std::make_shared<llm::EngineTraits>();
    return target;
}

net::RequestHead head_of(std::string path, const std::string& session) {
    net::RequestHead head;
    head.method = "POST";
    head.target = path;
    head.path = std::move(path);
    head.headers.add("Content-Type", "application/json");
    if (!session.empty()) head.headers.add("Segue-Session", session);
    return head;
}

/// U+0000 stands in no text of the store.
std::string without_nul(std::string_view text) {
    return text.find('\0') == std::string_view::npos
               ? std::string(text)
               : replace_all(text, std::string_view("\0", 1), "\xEF\xBF\xBD");
}

std::string_view finish_name(llm::FinishReason reason) {
    switch (reason) {
        case llm::FinishReason::kStop: return "stop";
        case llm::FinishReason::kLength: return "length";
        case llm::FinishReason::kToolCalls: return "tool_calls";
        case llm::FinishReason::kLoad:
        case llm::FinishReason::kUnload: break;
    }
    return "stop";
}

std::optional<double> number_of(std::optional<std::string_view> text) {
    if (!text) return std::nullopt;
    double value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end == text->data()) return std::nullopt;
    return value;
}

}  // namespace

std::string default_model(const engine::Registry& registry) {
    if (!registry.options().default_model.empty()) return registry.options().default_model;
    const auto models = registry.client_models();
    for (const auto& model : models)
        if (registry.resolve(model.name).healthy) return model.name;
    return models.empty() ? "" : models.front().name;
}

ModelFacts facts_of(const engine::Registry& registry, std::string_view model) {
    // Ollama reads 4096 tokens unless it is told otherwise, and cuts the rest in silence.
    constexpr std::int64_t kOllamaContext = 4096;
    ModelFacts out;
    const auto resolution = registry.resolve(model);
    if (resolution.kind != engine::Resolution::Kind::kFound || resolution.candidates.empty())
        return out;
    out.known = true;
    out.healthy = resolution.healthy;
    const auto& first = resolution.candidates.front();
    const auto facts = first.engine->facts();
    out.is_vllm = facts->kind == "vllm";
    out.limit = first.target.max_model_len;
    if (!out.limit && first.target.dialect == llm::Dialect::kOllama)
        out.limit = first.target.profile && first.target.profile->parameters.num_ctx
                        ? *first.target.profile->parameters.num_ctx
                        : kOllamaContext;
    if (!first.target.capabilities.empty()) out.sees = first.target.has_capability("vision");
    return out;
}

struct EngineRoom::Impl {
    class Call;
    class Count;

    explicit Impl(gateway::Gateway& shared) : gateway(shared) {}

    gateway::Gateway& gateway;
    std::unique_ptr<net::Loop> loop;
    std::unique_ptr<gateway::Worker> worker;
    std::atomic<Ticket> next{1};
    std::unordered_map<Ticket, std::unique_ptr<Call>> calls;    // the loop's thread
    std::unordered_map<Ticket, std::unique_ptr<Count>> counts;  // the loop's thread
    std::jthread thread;
};

/// One answer under way.
class EngineRoom::Impl::Call final : public InsideRequest {
public:
    Call(Impl& room, Ticket ticket, Asking asking, std::shared_ptr<AnswerListener> listener)
        : InsideRequest(*room.worker),
          room_(room),
          ticket_(ticket),
          asking_(std::move(asking)),
          listener_(std::move(listener)),
          decoder_({front_target(asking_.model), asking_.model, asking_.messages.size()}) {}

    void begin() {
        llm::ChatRequest request;
        request.model = asking_.model;
        request.messages = std::move(asking_.messages);
        request.stream = true;
        request.include_usage = true;
        if (asking_.goes_on) {
            request.extras.push_back({"continue_final_message", "true"});
            request.extras.push_back({"add_generation_prompt", "false"});
        }
        llm::Declarations declared;
        const auto body = llm::openai_engine::encode_chat(request, front_target(asking_.model),
                                                          std::nullopt, declared);
        if (!body) {
            fail(body.error().message, 400, false);
            return;
        }
        send(head_of("/v1/chat/completions", asking_.session), *body, std::string(kAsker));
    }

    void stop() {
        if (over_) return;
        close();
        conclude(Outcome::End::kStopped);
    }

private:
    void answer_head(int status, const net::Headers& headers) override {
        status_ = status;
        record_.request_id = headers.find("X-Request-Id").value_or("");
        record_.queue_ms = number_of(headers.find("Segue-Queue-Ms"));
        if (const auto after = number_of(headers.find("Retry-After")))
            retry_after_ = static_cast<std::int64_t>(*after);
        if (status_ / 100 != 2) return;
        describe_engine(headers.find("Segue-Engine").value_or(""));
        listener_->on_engine(record_);
    }

    /// The header says "rehearsal" for any rehearsal engine; what it serves the registry knows.
    void describe_engine(std::string_view name) {
        record_.engine = name;
        const auto registry = room_.gateway.snapshot().registry;
        const auto resolution = registry->resolve(asking_.model);
        for (const auto& candidate : resolution.candidates) {
            const auto facts = candidate.engine->facts();
            const bool it = facts->rehearsal ? name == "rehearsal"
                                             : std::string_view(candidate.engine->name()) == name;
            if (!it) continue;
            record_.engine_kind = facts->kind;
            record_.rehearsal = facts->rehearsal;
            record_.model = candidate.target.served_model;
            return;
        }
    }

    void answer_body(std::string_view bytes) override {
        if (status_ / 100 != 2) {
            if (error_.size() < kLongestError) error_ += bytes;
            return;
        }
        decoder_.feed(bytes, events_);
        take_events();
    }

    void answer_end(Ending ending) override {
        if (over_) return;
        if (status_ / 100 != 2) {
            const auto error = llm::openai_engine::read_error(error_);
            fail(error.message, status_, status_ >= 502 || status_ == 404);
            return;
        }
        if (ending == Ending::kWhole) {
            decoder_.end(events_);
            take_events();
        }
        if (!over_) fail("the engine's answer broke off", 502, false);
    }

    void take_events() {
        const TimePoint now = room_.loop->fresh_now();
        for (const auto& event : std::exchange(events_, {})) {
            if (over_) return;
            std::visit(overloaded{[&](const llm::Text& text) {
                                      saw_token(now);
                                      if (reasoning_since_ && !reasoning_until_)
                                          reasoning_until_ = now;
                                      size_ += text.text.size();
                                      listener_->on_text(without_nul(text.text));
                                  },
                                  [&](const llm::Reasoning& reasoning) {
                                      saw_token(now);
                                      if (!reasoning_since_) reasoning_since_ = now;
                                      size_ += reasoning.text.size();
                                      listener_->on_reasoning(without_nul(reasoning.text));
                                  },
                                  [&](const llm::ToolCallDelta& delta) {
                                      saw_token(now);
                                      if (delta.index >= 128) return;
                                      if (calls_.size() <= delta.index)
                                          calls_.resize(delta.index + 1);
                                      ToolCall& call = calls_[delta.index];
                                      if (!delta.id.empty()) call.id = delta.id;
                                      if (!delta.name.empty()) call.name = delta.name;
                                      size_ += delta.arguments.size();
                                      call.arguments += without_nul(delta.arguments);
                                  },
                                  [&](const llm::Usage& usage) { usage_.update(usage); },
                                  [&](const llm::Finished& finished) {
                                      record_.finish_reason = finish_name(finished.reason);
                                  },
                                  [&](const llm::Ended&) { conclude(Outcome::End::kWhole); },
                                  [&](const llm::Failed& failed) {
                                      fail(failed.failure.message, 502, false);
                                  },
                                  [](const auto&) {}},
                       event);
        }
        if (!over_ && size_ > kLongestAnswer) {
            close();
            fail(fmt::format("the answer is longer than {} MiB and was cut; ask for less at a time",
                             kLongestAnswer / 1024 / 1024),
                 413, false);
        }
    }

    void saw_token(TimePoint now) {
        if (!first_token_) first_token_ = now;
        last_token_ = now;
    }

    void fail(std::string detail, int status, bool unreachable) {
        Trouble trouble;
        trouble.status = status;
        trouble.title = status == 504   ? "The engine took too long"
                        : unreachable   ? "No engine answers"
                        : status == 429 ? "Too many requests"
                        : status < 500  ? "The engine refused the request"
                                        : "The answer broke off";
        trouble.detail = detail.empty() ? "the engine gave no reason" : std::move(detail);
        trouble.retry_after_s = retry_after_;
        trouble_ = std::move(trouble);
        unreachable_ = unreachable && !first_token_;
        conclude(Outcome::End::kFailed);
    }

    void conclude(Outcome::End end) {
        if (std::exchange(over_, true)) return;
        for (const auto& call : calls_)
            listener_->on_tool_call(call);
        const TimePoint now = room_.loop->fresh_now();
        Outcome outcome;
        outcome.end = end;
        outcome.trouble = std::move(trouble_);
        outcome.unreachable = unreachable_;
        if (reasoning_since_)
            outcome.reasoning_ms = milliseconds(reasoning_until_.value_or(now) - *reasoning_since_);
        record_.total_ms = milliseconds(now - begun());
        if (first_token_) record_.first_token_ms = milliseconds(*first_token_ - begun());
        record_.tokens_in = usage_.prompt_tokens;
        record_.tokens_out = usage_.completion_tokens;
        record_.cached_tokens = usage_.cached_tokens;
        if (record_.tokens_out && *record_.tokens_out > 1 && last_token_ > *first_token_)
            record_.tokens_per_second =
                static_cast<double>(*record_.tokens_out - 1) /
                std::chrono::duration<double>(last_token_ - *first_token_).count();
        if (end == Outcome::End::kStopped) record_.finish_reason = "stopped";
        if (end == Outcome::End::kFailed) record_.finish_reason = "error";
        outcome.record = std::move(record_);
        listener_->on_end(std::move(outcome));
        // The exchange may be on the stack.
        room_.loop->defer([&room = room_, ticket = ticket_] { room.calls.erase(ticket); });
    }

    Impl& room_;
    const Ticket ticket_;
    Asking asking_;
    std::shared_ptr<AnswerListener> listener_;
    llm::openai_engine::StreamDecoder decoder_;
    llm::Events events_;
    int status_ = 0;
    std::string error_;
    AnswerRecord record_;
    llm::Usage usage_;
    std::vector<ToolCall> calls_;
    std::size_t size_ = 0;
    std::optional<std::int64_t> retry_after_;
    std::optional<TimePoint> first_token_;
    TimePoint last_token_{};
    std::optional<TimePoint> reasoning_since_;
    std::optional<TimePoint> reasoning_until_;
    std::optional<Trouble> trouble_;
    bool unreachable_ = false;
    bool over_ = false;
};

/// One question how long a prompt is.
class EngineRoom::Impl::Count final : public InsideRequest {
public:
    using Answered = std::function<void(std::optional<std::int64_t>)>;
    Count(Impl& room, Ticket ticket, Answered answered)
        : InsideRequest(*room.worker),
          room_(room),
          ticket_(ticket),
          answered_(std::move(answered)) {}
    ~Count() override {
        if (answered_) answered_(std::nullopt);
    }

private:
    void answer_head(int status, const net::Headers&) override { status_ = status; }
    void answer_body(std::string_view bytes) override {
        if (body_.size() < 4 * kLongestError) body_ += bytes;
    }
    void answer_end(Ending ending) override {
        std::optional<std::int64_t> count;
        if (status_ == 200 && ending == Ending::kWhole) {
            json::Parser parser;
            if (const auto root = parser.parse(body_)) count = (*root)["count"].integer();
        }
        std::exchange(answered_, nullptr)(count);
        room_.loop->defer([&room = room_, ticket = ticket_] { room.counts.erase(ticket); });
    }

    Impl& room_;
    const Ticket ticket_;
    Answered answered_;
    int status_ = 0;
    std::string body_;
};

EngineRoom::EngineRoom(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}

EngineRoom::~EngineRoom() {
    stop();
}

Result<std::unique_ptr<EngineRoom>> EngineRoom::open(gateway::Gateway& gateway) {
    auto impl = std::make_unique<Impl>(gateway);
    SEGUE_TRY(loop, net::Loop::open());
    impl->loop = std::move(loop);
    impl->worker = std::make_unique<gateway::Worker>(gateway, *impl->loop);
    impl->thread = std::jthread([loop = impl->loop.get()] { loop->run(); });
    return std::unique_ptr<EngineRoom>(new EngineRoom(std::move(impl)));
}

EngineRoom::Ticket EngineRoom::ask(Asking asking, std::shared_ptr<AnswerListener> listener) {
    const Ticket ticket = impl_->next.fetch_add(1);
    if (asking.model.empty()) asking.model = default_model(*impl_->gateway.snapshot().registry);
    const auto shared = std::make_shared<Asking>(std::move(asking));
    impl_->loop->post([impl = impl_.get(), ticket, shared, listener = std::move(listener)] {
        auto call = std::make_unique<Impl::Call>(*impl, ticket, std::move(*shared), listener);
        Impl::Call& running = *call;
        impl->calls.emplace(ticket, std::move(call));
        running.begin();
    });
    return ticket;
}

void EngineRoom::stop_asking(Ticket ticket) {
    impl_->loop->post([impl = impl_.get(), ticket] {
        if (const auto found = impl->calls.find(ticket); found != impl->calls.end())
            found->second->stop();
    });
}

std::optional<std::int64_t> EngineRoom::count(const std::string& model,
                                              const std::vector<llm::Message>& messages,
                                              const std::string& asker) {
    llm::ChatRequest request;
    request.model = model;
    request.messages = messages;
    auto body = llm::openai_engine::encode_tokenize(request, front_target(model));
    if (!body) return std::nullopt;
    const auto promise = std::make_shared<std::promise<std::optional<std::int64_t>>>();
    auto future = promise->get_future();
    const Ticket ticket = impl_->next.fetch_add(1);
    impl_->loop->post([impl = impl_.get(), ticket, text = std::move(*body), asker, promise] {
        auto count = std::make_unique<Impl::Count>(
            *impl, ticket, [promise](auto tokens) { promise->set_value(tokens); });
        Impl::Count& running = *count;
        impl->counts.emplace(ticket, std::move(count));
        running.send(head_of("/tokenize", ""), text, asker);
    });
    if (future.wait_for(kCountPatience) == std::future_status::ready) return future.get();
    impl_->loop->post([impl = impl_.get(), ticket] {
        if (const auto found = impl->counts.find(ticket); found != impl->counts.end()) {
            found->second->close();
            impl->counts.erase(found);
        }
    });
    return std::nullopt;
}

void EngineRoom::stop() {
    if (!impl_->thread.joinable()) return;
    impl_->loop->post([impl = impl_.get()] {
        for (auto& [ticket, call] : impl->calls)
            call->stop();
        for (auto& [ticket, count] : impl->counts)
            count->close();
        // What stopping has deferred still runs before the loop ends.
        impl->loop->post([impl] { impl->loop->stop(); });
    });
    impl_->thread.join();
    impl_->calls.clear();
    impl_->counts.clear();
    impl_->worker.reset();
}

}  // namespace segue::chat
