/// Who still uses Ollama: how many requests of each day an engine of dialect ollama was asked for,
/// how many came in over the Ollama front, and from whom. What `segue audit --prove` asks for
/// (SEG201, SEG202), and what tells a team whom to talk to before Ollama goes.
///
/// Kept in one small file (usage.json in the data folder). Several processes may add to it (an
/// upgrade): what is new is merged in under a lock. Prompts and answers are not part of it.
///
/// Thread: a shard belongs to one worker, which pays one uncontended lock a request; everything
/// else from any thread. Lifetime: shards live as long as the record.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace segue::gateway {

struct RequestRecord;

/// What was counted. Adding two of them up counts both.
struct Usage {
    /// Callers beyond this many are only counted; days beyond this many are forgotten.
    static constexpr std::size_t kMostCallers = 200;
    static constexpr std::size_t kMostDays = 90;

    struct Day {
        std::int64_t answered = 0;       // an engine was asked
        std::int64_t ollama_engine = 0;  // one of dialect ollama was
        std::int64_t ollama_front = 0;   // the client spoke Ollama's API
        std::string seal;                // evidence/day_chain.hpp; empty while the day is open
    };
    struct Caller {
        std::int64_t requests = 0;
        WallTime last{};
    };
    using CallerName = std::tuple<std::string, std::string, std::string>;  // key, agent, address

    std::optional<WallTime> since;
    std::map<std::int64_t, Day> days;  // by days since 1970, UTC
    std::string chain_start;           // the seal before the first of them
    std::optional<std::pair<WallTime, std::string>> last_ollama_engine;
    std::map<CallerName, Caller> callers;  // of the Ollama front
    std::int64_t unnamed_callers = 0;      // requests of callers for whom there was no room

    bool empty() const { return days.empty(); }
    void add(const Usage& other);
    void trim();
    /// Days without a request are written down too, and all but the last two are sealed: a request
    /// that comes late still finds its day open.
    void close_days();
    std::string to_json() const;
    static std::optional<Usage> from_json(json::Value value);
};

class UsageRecord {
public:
    class Shard {
    public:
        void note(const RequestRecord& record, std::string_view agent);

    private:
        friend class UsageRecord;
        std::mutex mutex_;
        Usage fresh_;
    };

    /// From now on it is kept in `file`. One that cannot be read is put aside (".unreadable") and
    /// the record begins anew, with a new `since`: a record with a hole must not look whole, and is
    /// worth no refusal to start.
    void keep_in(std::string file, WallTime now);
    Shard& make_shard();
    /// Everything that was counted, here and in the file as it was last read.
    Usage total() const;
    /// Adds what is new to the file; nothing to do when nothing is.
    Result<void> save();

private:
    mutable std::mutex mutex_;
    mutable std::deque<Shard> shards_;
    Usage kept_;     // what the file holds, as of the last save
    Usage unsaved_;  // taken from the shards, and not in the file yet
    std::string file_;
    bool begun_ = false;  // the file is new: it says since when it counts, even without a request
};

}  // namespace segue::gateway
