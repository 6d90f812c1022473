#include "serve/chat_house.hpp"

#include "base/log.hpp"
#include "serve/api/traffic.hpp"

namespace segue::serve {
namespace {

constexpr auto kTrafficEvery = std::chrono::seconds(2);

}  // namespace

ChatHouse::ChatHouse(api::Context& context, store::Store& store, Options options)
    : context_(context),
      store_(store),
      options_(std::move(options)),
      retrieval_(store.pool()),
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
    context.traffic = &house->traffic_;
    store.when_ready([raw = house.get()] { raw->chat_->take_over(); });
    return house;
}

ChatHouse::~ChatHouse() {
    stop();
}

void ChatHouse::stop() {
    if (chat_) chat_->stop();
}

}  // namespace segue::serve
