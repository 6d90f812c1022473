#include "serve/api/host.hpp"

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <utility>

#include "base/log.hpp"
#include "net/loop.hpp"
#include "serve/api/assets.hpp"
#include "serve/api/reply.hpp"
#include "serve/api/route.hpp"
#include "serve/api/session.hpp"

namespace segue::serve::api {
namespace {

// A slow reader stops the reading of a stream above this; the stream's own bound is its feed's.
constexpr std::size_t kHigh = 64 * 1024;
constexpr std::size_t kPiece = 16 * 1024;
constexpr auto kKeepAlive = std::chrono::seconds(15);

gateway::LocalAnswer local(Reply& reply) {
    gateway::LocalAnswer answer{reply.status, std::move(reply.content_type), std::move(reply.body),
                                std::move(reply.headers)};
    // Answers are about a moment and a person; only the page's files are for caches.
    if (!answer.headers.has("Cache-Control")) answer.headers.add("Cache-Control", "no-store");
    return answer;
}

/// Constant time: how much of a token is right must not be measurable.
bool same_token(std::string_view a, std::string_view b) {
    if (a.size() != b.size() || a.empty()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    return difference == 0;
}

/// Nothing: the caller may go on.
std::optional<Reply> refusal(const Route& route, const Caller& caller) {
    // Somebody else knows that password: until it is changed one may do that, or leave.
    if (caller.must_change_password && route.permission != Permission::kAnybody &&
        route.permission != Permission::kSignedIn)
        return problem(403, "",
                       "the password was set by an administrator and must be changed first: PUT "
                       "/segue/v1/session/password, or the page after signing in",
                       "/problems/change-password");
    if (caller.may(route.permission)) return std::nullopt;
    switch (caller.kind) {
        case Caller::Kind::kNobody:
        case Caller::Kind::kOpen:
            return problem(401, "",
                           "nobody is signed in here; sign in at /ui/ (a browser), or show an API "
                           "key where a program may ask",
                           "/problems/signed-out");
        case Caller::Kind::kProgram:
            return problem(403, "",
                           "this needs a person who is signed in; an API key is for models, "
                           "engines, traffic and metrics");
        case Caller::Kind::kPerson:
            return problem(403, "",
                           fmt::format("the role {} may not do this ({}); an administrator can "
                                       "change the role under People",
                                       caller.role, permission_name(route.permission)));
    }
    return problem(403, "", "not allowed");
}

std::optional<Reply> csrf_refusal(const Request& request) {
    if (request.route->csrf == Csrf::kNotNeeded || !request.caller.is_person()) return std::nullopt;
    if (same_token(request.head.headers.find(kCsrfHeader).value_or(""), request.caller.csrf))
        return std::nullopt;
    return problem(403, "",
                   "the header Segue-Csrf is missing or not this session's; GET /segue/v1/session "
                   "tells it (a page that was open for long: reload it)",
                   "/problems/csrf");
}

std::string_view what_to_do(const StoreState& state) {
    if (!state.detail.empty()) return state.detail;
    switch (state.state) {
        case StoreState::State::kOff:
            return "Segue runs without a store (--no-store), so there are no people, conversations "
                   "and documents; start it without --no-store";
        case StoreState::State::kStarting: return "the store is starting; try again in a moment";
        case StoreState::State::kUnavailable:
        case StoreState::State::kReady: break;
    }
    return "the store does not answer; segue store status says why";
}

}  // namespace

Caller caller_of(const Context& context, const gateway::KeyHolder* key) {
    Caller caller;
    if (key) {
        caller.kind = Caller::Kind::kProgram;
        caller.id = key->key.id;
        caller.name = key->key.name;
    } else if (!context.gateway->snapshot().keys->required()) {
        caller.kind = Caller::Kind::kOpen;
    }
    if (caller.kind != Caller::Kind::kNobody)
        for (const Permission permission : {Permission::kModels, Permission::kEngines,
                                            Permission::kMetrics, Permission::kTraffic})
            caller.permissions.set(static_cast<std::size_t>(permission));
    return caller;
}

/// Ties a crew thread's answer to the worker's side of it: the worker clears `call` when the client
/// has left.
struct Host::Line {
    net::Loop* loop = nullptr;
    Call* call = nullptr;  // on the loop's thread only
    std::atomic<bool> left{false};
    std::atomic<bool> woken{false};
};

class Host::Call final : public gateway::OwnWork {
public:
    Call(Host& host, gateway::OwnSink& sink)
        : host_(host), sink_(sink), line_(std::make_shared<Line>()) {
        line_->loop = &sink.loop();
        line_->call = this;
    }
    ~Call() override {
        line_->left.store(true, std::memory_order_relaxed);
        line_->call = nullptr;
        sink_.loop().cancel(keep_alive_);
        if (tail_) {
            tail_.reset();
            host_.leave(line_);
        }
    }

    const std::shared_ptr<Line>& line() const { return line_; }

    void deliver(Reply reply) {
        if (!reply.tail) {
            sink_.answer(local(reply));
            return;
        }
        tail_ = std::move(reply.tail);
        sink_.begin(local(reply));
        host_.enrol(line_);
        tail_->on_ready([line = line_] {
            if (line->woken.exchange(true)) return;
            line->loop->post([line] {
                line->woken.store(false);
                if (line->call) line->call->pump();
            });
        });
        rest();
        pump();
    }

    void on_drained() override { pump(); }

    void pump() {
        while (tail_ && sink_.unsent() < kHigh) {
            piece_.clear();
            const bool more = tail_->read(kPiece, piece_) == Tail::More::kYes;
            if (!piece_.empty()) {
                sink_.send(piece_);
                rest();
            }
            if (!more) return end();
            if (piece_.empty()) return;
        }
    }

    void end() {
        if (!tail_) return;
        tail_.reset();
        host_.leave(line_);
        sink_.loop().cancel(keep_alive_);
        sink_.finish();
    }

private:
    /// Proxies cut what is silent.
    void rest() {
        sink_.loop().cancel(keep_alive_);
        keep_alive_ = sink_.loop().after(kKeepAlive, [this] {
            if (sink_.unsent() < kHigh) sink_.send(": still here\n\n");
            rest();
        });
    }

    Host& host_;
    gateway::OwnSink& sink_;
    std::shared_ptr<Line> line_;
    std::unique_ptr<Tail> tail_;
    std::string piece_;
    net::TimerId keep_alive_;
};

Host::Host(Context& context, Crew::Options crew) : context_(context), crew_(crew) {
}

Host::~Host() {
    stop();
}

void Host::enrol(const std::shared_ptr<Line>& line) {
    {
        const std::lock_guard lock(mutex_);
        streams_.insert(line);
    }
    if (context_.draining.load()) begin_draining();
}

void Host::leave(const std::shared_ptr<Line>& line) {
    const std::lock_guard lock(mutex_);
    streams_.erase(line);
}

void Host::begin_draining() {
    context_.draining.store(true);
    std::set<std::shared_ptr<Line>> streams;
    {
        const std::lock_guard lock(mutex_);
        streams = streams_;
    }
    for (const auto& line : streams)
        line->loop->post([line] {
            if (line->call) line->call->end();
        });
}

bool Host::guarded(const net::RequestHead& head) const {
    if (is_page_path(head.path)) return false;
    const auto found = find_api_route(head.method, head.path);
    if (!found.route) return true;
    if (found.route->permission == Permission::kAnybody) return false;
    Request request;
    request.head = head;
    return request.cookie(kSessionCookie).empty();
}

std::size_t Host::body_limit(const net::RequestHead& head) const {
    const auto found = find_api_route(head.method, head.path);
    return found.route ? api::body_limit(*found.route) : 64 * 1024;
}

std::unique_ptr<gateway::OwnWork> Host::begin(gateway::OwnRequest given, gateway::OwnSink& sink) {
    const auto refuse = [&](Reply reply) {
        sink.answer(local(reply));
        return nullptr;
    };
    const net::RequestHead& head = given.head;
    if (is_page_path(head.path)) {
        if (head.method == "GET" || head.method == "HEAD") {
            sink.answer(answer_page(head));
            return nullptr;
        }
        Reply reply = problem(405, "", fmt::format("use GET for {}", head.path));
        reply.headers.add("Allow", "GET, HEAD");
        return refuse(std::move(reply));
    }
    auto found = find_api_route(head.method, head.path);
    if (!found.route && !found.allow.empty()) {
        Reply reply = problem(
            405, "", fmt::format("{} is not for {}; use {}", head.path, head.method, found.allow));
        reply.headers.add("Allow", found.allow);
        return refuse(std::move(reply));
    }
    if (!found.route)
        return refuse(problem(
            404, "",
            fmt::format("there is no {}; /segue/v1/openapi.json lists what is there", head.path)));
    const Route& route = *found.route;

    Request request;
    request.head = head;
    request.body = std::move(given.body);
    request.request_id = given.request_id;
    request.route = &route;
    request.parameters = std::move(found.parameters);
    request.caller = caller_of(context_, given.key);
    // Only a session has to be looked up; what needs none is decided here.
    const bool session = context_.authority && !request.cookie(kSessionCookie).empty() &&
                         (route.place == Place::kCrew || !request.caller.may(route.permission));
    if (!session && route.permission != Permission::kAnybody)
        if (auto no = refusal(route, request.caller)) return refuse(std::move(*no));
    if (!route.handler)
        return refuse(problem(
            501, "", fmt::format("{} {} is planned, not built yet", route.method, route.path)));
    if (route.needs == Needs::kStore) {
        const StoreState state = context_.store_state();
        if (state.state != StoreState::State::kReady) {
            Reply reply = problem(503, "", what_to_do(state), "/problems/no-store");
            if (state.state != StoreState::State::kOff) reply.headers.add("Retry-After", "2");
            return refuse(std::move(reply));
        }
        if (route.permission == Permission::kChat && !context_.chat)
            return refuse(problem(503, "", "the chat is not running in this segue"));
    }
    if (route.place == Place::kWorker && !session) {
        Reply reply = route.handler(context_, request);
        sink.answer(local(reply));
        return nullptr;
    }

    auto call = std::make_unique<Call>(*this, sink);
    const auto shared = std::make_shared<Request>(std::move(request));
    const bool queued = crew_.submit([this, line = call->line(), shared, session] {
        if (line->left.load(std::memory_order_relaxed) && shared->route->method == "GET") return;
        const auto run = [&]() -> Reply {
            if (session) {
                auto person = context_.authority->person(*shared);
                if (!person) return problem(person.error());
                if (person->is_person()) shared->caller = std::move(*person);
                if (auto no = refusal(*shared->route, shared->caller)) return std::move(*no);
            }
            if (auto no = csrf_refusal(*shared)) return std::move(*no);
            Reply reply = shared->route->handler(context_, *shared);
            if (!shared->caller.cookie.empty() && !reply.headers.find("Set-Cookie"))
                reply.headers.add("Set-Cookie", session_cookie(context_, shared->caller.cookie));
            return reply;
        };
        const auto reply = std::make_shared<Reply>();
        try {
            *reply = run();
        } catch (const std::exception& error) {
            log::error("{} {} (request {}): {}", shared->route->method, shared->route->path,
                       shared->request_id, error.what());
            *reply = problem(500, "",
                             fmt::format("something went wrong inside Segue; its log has the "
                                         "reason under request {}",
                                         shared->request_id));
        }
        line->loop->post([line, reply] {
            if (line->call) line->call->deliver(std::move(*reply));
        });
    });
    if (!queued) {
        call.reset();
        Reply reply = problem(503, "", "Segue is busy: too many requests wait; try again in 1 s");
        reply.headers.add("Retry-After", "1");
        return refuse(std::move(reply));
    }
    return call;
}

}  // namespace segue::serve::api
