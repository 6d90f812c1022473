#include "serve/chat_house.hpp"

#include <unistd.h>

#include <climits>

#include "base/log.hpp"
#include "serve/api/traffic.hpp"

namespace segue::serve {
namespace {

constexpr auto kTrafficEvery = std::chrono::seconds(2);
constexpr std::size_t kQuestionThreads = 1;

std::string program_path() {
    std::string path(PATH_MAX, '\0');
    const auto length = ::readlink("/proc/self/exe", path.data(), path.size());
    path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return path;
}

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
    house->thread_ = std::jthread([raw = house.get()] { raw->bring_up(); });
    return house;
}

ChatHouse::~ChatHouse() {
    stop();
}

void ChatHouse::bring_up() {
    const auto files = rag::find_embedding_files(options_.environment, program_path());
    if (!files) {
        log::info("search goes by keywords alone: {}", files.error().detail);
        return;
    }
    auto opened = rag::open_local_embedder(*files, kQuestionThreads);
    if (!opened) {
        log::warning("search goes by keywords alone: {}", opened.error().detail);
        return;
    }
    embedder_ = std::move(*opened);
    retrieval_.use(*embedder_);
}

void ChatHouse::stop() {
    thread_ = {};
    if (chat_) chat_->stop();
}

}  // namespace segue::serve
