/// Hosts Segue's own API and the web page: finds the route, checks who asks, runs the handler where
/// it may run, and brings the answer back to the worker that read the request.
///
/// Thread: begin() on any worker; handlers on the crew. Lifetime: stop() before the workers' loops
/// end; what still waits is then never answered.
#pragma once

#include <memory>
#include <mutex>
#include <set>

#include "base/crew.hpp"
#include "gateway/gateway.hpp"
#include "serve/api/context.hpp"

namespace segue::serve::api {

class Host final : public gateway::OwnApi {
public:
    explicit Host(Context& context, Crew::Options crew = {});
    ~Host() override;

    std::unique_ptr<gateway::OwnWork> begin(gateway::OwnRequest request,
                                            gateway::OwnSink& sink) override;
    /// Liveness, readiness, the page, and what nobody has to sign in for are open. Where a session
    /// is shown no key is asked for: the session decides then.
    bool guarded(const net::RequestHead& head) const override;
    std::size_t body_limit(const net::RequestHead& head) const override;

    /// Not ready any more, and streams end: whoever follows one comes back with its last event's id
    /// to the process that is there then.
    void begin_draining();
    void stop() { crew_.stop(); }
    Crew& crew() { return crew_; }

private:
    class Call;
    struct Line;
    void enrol(const std::shared_ptr<Line>& line);
    void leave(const std::shared_ptr<Line>& line);

    Context& context_;
    std::mutex mutex_;
    std::set<std::shared_ptr<Line>> streams_;
    Crew crew_;  // last: its threads use what is above
};

/// Who asks, as far as it can be told without the store.
Caller caller_of(const Context& context, const gateway::KeyHolder* key);

}  // namespace segue::serve::api
