#include "net/client.hpp"

#include <utility>

#include "net/client_call.hpp"
#include "net/client_core.hpp"

namespace segue::net {

ClientCore::ClientCore(Loop& loop, const ClientOptions& options)
    : loop_(loop),
      buffer_(options.read_buffer),
      pool_(
          loop, options.idle_timeout, options.max_idle_per_origin,
          [this](std::unique_ptr<ClientConnection> connection) { retire(std::move(connection)); }) {
}

ClientCore::~ClientCore() {
    // Calls and connections that go now need no end of the round: nobody stands inside them.
    graveyard_scheduled_ = true;
    slots_.clear();
}

CallId ClientCore::add(ClientRequest request, ResponseHandler& handler) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t index = free_slots_.back();
    free_slots_.pop_back();
    Slot& slot = slots_[index];
    slot.call = std::make_unique<ClientCall>(*this, std::move(request), handler);
    const CallId id{index, slot.generation};
    slot.call->schedule(id);
    return id;
}

ClientCall* ClientCore::find(CallId call) {
    if (!call || call.slot >= slots_.size()) return nullptr;
    const Slot& slot = slots_[call.slot];
    return slot.generation == call.generation ? slot.call.get() : nullptr;
}

void ClientCore::remove(CallId call) {
    if (find(call) == nullptr) return;
    Slot& slot = slots_[call.slot];
    dead_calls_.add(std::move(slot.call));
    // Zero means "no call", also after four thousand million of them.
    if (++slot.generation == 0) slot.generation = 1;
    free_slots_.push_back(call.slot);
    empty_graveyard_later();
}

void ClientCore::retire(std::unique_ptr<ClientConnection> connection) {
    connection->close();
    dead_connections_.add(std::move(connection));
    empty_graveyard_later();
}

void ClientCore::empty_graveyard_later() {
    if (std::exchange(graveyard_scheduled_, true)) return;
    loop_.defer([this, alive = alive()] {
        if (alive.expired()) return;
        graveyard_scheduled_ = false;
        dead_calls_.clear();
        dead_connections_.clear();
    });
}

Result<std::shared_ptr<const TlsContext>> ClientCore::tls_context(const TlsOptions& options) {
    auto& known = contexts_[{options.verify, options.ca_file}];
    if (known == nullptr) {
        SEGUE_TRY(made, TlsContext::open(options.verify ? TlsVerify::kPeer : TlsVerify::kNothing,
                                         options.ca_file));
        known = std::move(made);
    }
    return known;
}

std::unique_ptr<ClientConnection> ClientCore::make_connection() {
    return std::make_unique<ClientConnection>(loop_, buffer_);
}

std::size_t ClientCore::busy_connections() const {
    std::size_t count = 0;
    for (const Slot& slot : slots_) {
        if (slot.call != nullptr && slot.call->has_connection()) ++count;
    }
    return count;
}

struct Client::Impl : ClientCore {
    using ClientCore::ClientCore;
};

Client::Client(Loop& loop, ClientOptions options) : impl_(std::make_unique<Impl>(loop, options)) {
}

Client::~Client() = default;

CallId Client::start(ClientRequest request, ResponseHandler& handler) {
    return impl_->add(std::move(request), handler);
}

void Client::cancel(CallId& call) {
    const CallId id = std::exchange(call, CallId{});
    if (ClientCall* running = impl_->find(id)) {
        running->abandon();
        impl_->remove(id);
    }
}

void Client::pause(CallId call) {
    if (ClientCall* running = impl_->find(call)) running->set_paused(true);
}

void Client::resume(CallId call) {
    if (ClientCall* running = impl_->find(call)) running->set_paused(false);
}

std::size_t Client::open_connections() const {
    return impl_->busy_connections() + impl_->pool().size();
}

std::size_t Client::idle_connections() const {
    return impl_->pool().size();
}

void Client::drop_idle(const Origin& origin) {
    impl_->pool().drop(origin);
}

}  // namespace segue::net
