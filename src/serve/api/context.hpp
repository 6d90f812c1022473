/// What the handlers of Segue's own API work with: the parts that src/serve put together.
///
/// Thread: shared by all crew threads and workers; each part says what may be called from where.
/// Lifetime: longer than the host's.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "engine/drained_file.hpp"
#include "gateway/gateway.hpp"
#include "gateway/keys.hpp"
#include "serve/api/request.hpp"

namespace segue::store {
class Store;
}
namespace segue::people {
class People;
class Oidc;
}  // namespace segue::people
namespace segue::chat {
class Chat;
}

namespace segue::serve {
class DocumentHouse;
class KeyWatch;
class Observer;
}  // namespace segue::serve

namespace segue::serve::api {

class Pulse;

/// Tells who asks. Implemented over src/people; without a store only keys are known.
class Authority {
public:
    virtual ~Authority() = default;
    /// On a crew thread: a session is looked up in the store. A cookie that is not known (any
    /// more) is nobody, not an error.
    virtual Result<Caller> person(const Request& request) = 0;
};

/// The store as people need to know it.
struct StoreState {
    enum class State : std::uint8_t { kOff, kStarting, kReady, kUnavailable } state = State::kOff;
    std::string detail;  // why, and what to do
};
std::string_view state_name(StoreState::State state);

struct Context {
    gateway::Gateway* gateway = nullptr;
    Authority* authority = nullptr;  // null: nobody can sign in
    std::function<StoreState()> store_state = [] { return StoreState{}; };
    store::Store* store = nullptr;     // null: none
    people::People* people = nullptr;  // null: no store
    people::Oidc* oidc = nullptr;      // null: not configured
    KeyWatch* keys = nullptr;
    engine::DrainedFile* drained = nullptr;  // set before the first request
    bool secure_cookies = false;             // clients come by TLS
    chat::Chat* chat = nullptr;              // null: no store
    DocumentHouse* documents = nullptr;      // null: no store
    Observer* observer = nullptr;            // null: no store
    Pulse* traffic = nullptr;                // null: no store
    /// The configuration in force, as /segue/v1/settings shows it; replaced at each reload.
    std::atomic<std::shared_ptr<const std::string>> settings;
    std::atomic<bool> draining{false};
    TimePoint started{};

    const Clock& clock() const { return gateway->clock(); }
};

/// The name of the cookie that a browser's session is known by.
inline constexpr std::string_view kSessionCookie = "segue_session";
/// The header that repeats the session's token.
inline constexpr std::string_view kCsrfHeader = "Segue-Csrf";

}  // namespace segue::serve::api
