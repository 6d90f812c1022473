#include "serve/chat_house.hpp"

#include "base/log.hpp"
#include "serve/api/traffic.hpp"
#include "serve/built_in.hpp"

namespace segue::serve {
namespace {

constexpr auto kTrafficEvery = std::chrono::seconds(2);

}  // namespace

ChatHouse::ChatHouse(api::Context& context, store::Store& store, Options options)
    : context_(context),
      store_(store),
      options_(std::move(options)),
      retrieval_(store.pool()),
      grounder_(*context.gateway, retrieval_),
      traffic_([&context] { return api::traffic::newest(context); }, kTrafficEvery) {
}

Result<std::unique_ptr<ChatHouse>> ChatHouse::open(api::Context& context, store::Store& store,
                                                   Options options) {
    std::unique_ptr<ChatHouse> house(new ChatHouse(context, store, std::move(options)));
    chat::ChatOptions chat;
    chat.alone = house->options_.alone;
    SEGUE_TRY(opened, chat::Chat::open(*context.gateway, store.pool(), &house->retrieval_, chat));
    house->chat_ = std::move(opened);
    context.chat = house->chat_.get();
    context.gateway->retrieve_with(house->grounder_);
    context.traffic = &house->traffic_;
    store.when_ready([raw = house.get()] {
        {
            const std::lock_guard lock(raw->mutex_);
            raw->store_ready_ = true;
        }
        raw->ready_.notify_all();
    });
    house->thread_ =
        std::jthread([raw = house.get()](const std::stop_token& stop) { raw->bring_up(stop); });
    return house;
}

ChatHouse::~ChatHouse() {
    stop();
}

bool ChatHouse::wait_for_store(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    return ready_.wait(lock, stop, [this] { return store_ready_; });
}

void ChatHouse::bring_up(const std::stop_token& stop) {
    if (!wait_for_store(stop)) return;
    chat_->take_over();
    // Found by their words at once; the document house's queue gives them their vectors.
    const auto loaded = load_own_documents(store_.pool(), stop);
    if (!loaded) {
        log::warning("Segue's own documentation is not searchable now: {}", loaded.error().detail);
    } else if (loaded->fresh > 0) {
        log::info("Segue's own documentation is the collection '{}': {} documents, {} passages new",
                  kOwnDocuments, loaded->documents, loaded->fresh);
    }
}

void ChatHouse::stop() {
    thread_ = {};
    grounder_.stop();
    if (chat_) chat_->stop();
}

}  // namespace segue::serve
