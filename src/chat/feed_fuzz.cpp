// Resume: whatever is written, whenever a follower goes and with whatever id it comes back, the
// pieces it got make the whole answer, each once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/json.hpp"
#include "base/text.hpp"
#include "chat/feed.hpp"
#include "llm/framing/sse.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using segue::chat::Feed;
    const Feed::Id base = size > 0 ? data[0] * 7U : 0;
    auto feed = std::make_shared<Feed>(base);
    auto follower = std::make_unique<Feed::Follower>(feed, 0);
    std::string text;
    std::string got;
    Feed::Id last = 0;
    const auto read = [&](std::size_t room) {
        std::string out;
        const bool more = follower->read(room, out);
        segue::llm::SseSplitter splitter(1 << 24);
        std::vector<segue::llm::SseEvent> events;
        if (!splitter.feed(out, events) || !splitter.at_boundary()) std::abort();
        for (const auto& event : events) {
            const auto id =
                std::strtoull(std::string(event.source.substr(4, 20)).c_str(), nullptr, 10);
            if (id <= last) std::abort();
            last = id;
            if (event.name != "text") continue;
            segue::json::Parser parser;
            const auto root = parser.parse(event.data);
            if (!root) std::abort();
            got += (*root)["text"].string();
        }
        return more;
    };
    for (std::size_t i = 1; i < size; ++i) {
        const std::size_t amount = data[i] >> 3U;
        switch (data[i] & 7U) {
            case 0:
            case 1:
            case 2: {
                const std::size_t length = std::min(amount, size - i - 1);
                const auto piece = segue::replace_invalid_utf8(
                    {reinterpret_cast<const char*>(data + i + 1), length});
                feed->text(piece);
                text += piece;
                i += length;
                break;
            }
            case 3: feed->event("usage", R"({"type":"usage"})"); break;
            case 4: feed->reasoning("r"); break;
            case 5: read(amount * 4); break;
            default: follower = std::make_unique<Feed::Follower>(feed, last); break;
        }
    }
    feed->end("finished", R"({"type":"finished"})");
    for (int i = 0; read(1000); ++i)
        if (i > 100'000) std::abort();
    if (got != text) std::abort();
    // Any id at all is answered.
    Feed::Follower stranger(feed, size > 1 ? Feed::Id{data[1]} << 3U : 0);
    std::string out;
    if (stranger.read(1 << 28, out)) std::abort();
    return 0;
}
