// Who may come in: origin and host, method, key, priority, limits.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.hpp"
#include "gateway/access.hpp"
#include "gateway/exchange.hpp"
#include "gateway/metric_names.hpp"
#include "gateway/problem.hpp"

namespace segue::gateway {
namespace {

constexpr auto kLongestRetry = std::chrono::seconds(120);  // SDKs refuse to wait longer (wire 4.1)

}  // namespace

using Cause = llm::Failure::Cause;

bool Exchange::check_origin() {
    const GatewayConfig& config = *snapshot_.config;
    if (config.check_host && !host_allowed(head_.headers.find("Host").value_or(""))) {
        answer({403, "", "", {}});
        return false;
    }
    const auto origin = head_.headers.find("Origin");
    if (!origin) return true;
    if (route_.endpoint == Endpoint::kOwn &&
        same_origin(*origin, head_.headers.find("Host").value_or("")))
        return true;
    if (!origin_allowed(*origin, config)) {
        answer({403, "", "", {}});
        return false;
    }
    if (head_.method == "OPTIONS" && route_.match != Route::Match::kNoSuchPath) {
        answer({204, "", "",
                preflight_headers(
                    *origin, head_.headers.find("Access-Control-Request-Headers").value_or(""))});
        return false;
    }
    response_headers_.add("Access-Control-Allow-Origin", *origin);
    response_headers_.add("Vary", "Origin");
    return true;
}

bool Exchange::admit() {
    if (!inside_ && !check_origin()) return false;
    switch (route_.match) {
        case Route::Match::kFound: break;
        case Route::Match::kRedirect:
            answer({301,
                    "text/html; charset=utf-8",
                    "",
                    {{"Location", head_.path.substr(0, head_.path.size() - 1)}}});
            return false;
        case Route::Match::kNoSuchPath:
            if (route_.front == llm::Dialect::kOllama) {
                answer({404, "text/plain", "404 page not found", {}});
            } else {
                refuse({Cause::kNotFound, fmt::format("there is no {} here", head_.path), 404});
            }
            return false;
        case Route::Match::kWrongMethod:
            response_headers_.add("Allow", route_.allow);
            if (route_.front == llm::Dialect::kOllama) {
                answer({405, "text/plain", "405 method not allowed", {}});
            } else {
                refuse({Cause::kMethodNotAllowed,
                        fmt::format("{} is not allowed here; use {}", head_.method, route_.allow),
                        405});
            }
            return false;
    }
    if (inside_) {
        record_.key = inside_->asker;
        return true;
    }
    if (!check_key()) return false;
    if (route_.endpoint != Endpoint::kOwn) return true;
    own_limit_ = worker_.gateway.own_api().body_limit(head_);
    const auto length = head_.headers.find("Content-Length");
    std::size_t announced = 0;
    if (length) std::from_chars(length->data(), length->data() + length->size(), announced);
    if (announced <= own_limit_) return true;
    refuse_body(own_limit_);
    return false;
}

bool Exchange::check_key() {
    const bool own = route_.endpoint == Endpoint::kOwn;
    const bool guarded =
        own ? worker_.gateway.own_api().guarded(head_) : route_.endpoint != Endpoint::kRoot;
    if (!guarded || !snapshot_.keys->required()) return true;
    const auto found = snapshot_.keys->find(given_key(head_.headers), record_.wall);
    const auto own_refusal = [&](int status, std::string_view detail) {
        answer({status, std::string(kProblemType), problem_json(status, "", detail), {}});
        return false;
    };
    if (!found.holder) {
        const std::string_view why = found.standing == Keyring::Standing::kExpired
                                         ? "the API key has expired; ask for a new one"
                                         : "the API key is missing or wrong";
        if (own) return own_refusal(401, why);
        refuse({Cause::kUnauthorized, std::string(why)});
        return false;
    }
    caller_ = found.holder;
    record_.key = caller_->key.id;
    if (own && is_limited(caller_))
        return own_refusal(403, "this key is limited to some models; use another key here");
    return true;
}

bool Exchange::read_priority() {
    if (caller_) record_.priority = caller_->key.rules.priority;
    auto asked = head_.headers.find("Segue-Priority");
    if (!asked) asked = head_.headers.find("x-segue-priority");
    if (!asked) return true;
    const auto priority = parse_priority(*asked);
    if (!priority) {
        refuse({Cause::kBadRequest,
                fmt::format("Segue-Priority is interactive or batch, not '{}'", *asked)});
        return false;
    }
    // A key that waits behind others cannot say otherwise.
    record_.priority = std::max(record_.priority, *priority);
    return true;
}

bool Exchange::within_limits() {
    if (!caller_ || !caller_->meter) return true;
    auto lease = caller_->meter->begin(record_.bytes_in, worker_.loop.now());
    if (lease) {
        lease_ = std::move(*lease);
        return true;
    }
    const KeyRules& rules = caller_->key.rules;
    using Limit = KeyMeter::Limit;
    llm::Failure failure{Cause::kRateLimited, ""};
    failure.retry_after = std::min(std::chrono::ceil<std::chrono::seconds>(lease.error().wait),
                                   std::chrono::seconds(kLongestRetry));
    switch (lease.error().limit) {
        case Limit::kRequests:
            failure.message = fmt::format("this key may send {} requests a minute",
                                          rules.requests_per_minute.value_or(0));
            break;
        case Limit::kTokens:
            failure.message = fmt::format("this key may use {} tokens a minute",
                                          rules.tokens_per_minute.value_or(0));
            break;
        case Limit::kStreams:
            failure.message =
                fmt::format("this key may have {} requests under way", rules.streams.value_or(0));
            break;
    }
    failure.message += fmt::format("; try again in {} s", failure.retry_after->count());
    worker_.shard.add(metric::kKeyRefused,
                      {{"key", record_.key}, {"limit", limit_name(lease.error().limit)}});
    refuse(failure);
    return false;
}

void Exchange::settle() {
    const llm::Observation& seen = record_.observation;
    const auto prompt = seen.usage.prompt_tokens;
    const auto completion = seen.usage.completion_tokens;
    double used = 0;  // the engine never answered
    if (prompt || completion) {
        used = static_cast<double>(prompt.value_or(0) + completion.value_or(0));
    } else if (seen.first_event) {  // cut before the counts came
        used = KeyMeter::guess(record_.bytes_in) + static_cast<double>(seen.content_events);
    }
    lease_.settle(used, worker_.loop.now());
}

bool Exchange::let_in() {
    return (!snapshot_.admissions || read_priority()) && within_limits();
}

}  // namespace segue::gateway
