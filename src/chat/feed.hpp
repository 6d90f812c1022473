/// The events of one answer, from its first to its last, kept while it is made and a while longer:
/// whoever follows it may come late, leave, and come back with the id of the last event that was
/// seen. Written as server-sent events.
///
/// The text itself is kept once; what many small pieces were is sent in one event to whoever reads
/// slowly or comes late, so a follower costs the same however fast the engine is.
///
/// Thread: any. Lifetime: shared by the job that makes the answer and its followers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace segue::chat {

class Feed {
public:
    using Id = std::uint64_t;

    /// Ids begin behind `base`, which rises from feed to feed of one answer: an id of an earlier
    /// feed (before "continue") means: from the beginning.
    explicit Feed(Id base = 0) : base_(base) {}

    void text(std::string_view piece);
    void reasoning(std::string_view piece);
    /// `json` is one object with its "type".
    void event(std::string_view type, std::string json);
    /// The last event.
    void end(std::string_view type, std::string json);

    std::string text_so_far() const;
    std::string reasoning_so_far() const;
    std::size_t size() const;  // bytes of text and reasoning
    bool ended() const;
    /// Seen by somebody at this moment.
    std::size_t followers() const;

    /// Reads a feed from one place on. Thread: one at a time.
    class Follower {
    public:
        /// From behind `after`; 0 = from the beginning.
        Follower(std::shared_ptr<Feed> feed, Id after);
        ~Follower();
        Follower(const Follower&) = delete;
        Follower& operator=(const Follower&) = delete;
        /// `wake` is called from any thread when something new is there, and not after this object
        /// is gone.
        void on_ready(std::function<void()> wake);
        /// Appends events, about `room` bytes at most. False: that was the end.
        bool read(std::size_t room, std::string& out);

    private:
        friend class Feed;
        std::shared_ptr<Feed> feed_;
        std::size_t next_ = 0;  // entry
        std::function<void()> wake_;
    };

private:
    struct Entry {
        enum class Kind : std::uint8_t { kText, kReasoning, kEvent } kind;
        std::uint32_t end;  // in text_ or reasoning_; the place in events_
    };
    struct Event {
        std::string type;
        std::string json;
    };
    void append(Entry entry);
    void notify();
    /// The run of text (or reasoning) entries from `first`, about `room` bytes; where it ends.
    std::size_t write_run(std::size_t first, std::size_t room, std::string& out) const;

    const Id base_;
    mutable std::mutex mutex_;
    std::string text_;
    std::string reasoning_;
    std::vector<Event> events_;
    std::vector<Entry> entries_;  // entry i has the id base_ + i + 1
    bool ended_ = false;
    std::vector<Follower*> followers_;
};

}  // namespace segue::chat
