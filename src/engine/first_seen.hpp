/// When Segue first saw each model of each engine: what Ollama's lists call modified_at, where an
/// engine gives no date of its own that lasts (vLLM's `created` is the moment of the question, wire
/// 3.8). Kept in one small JSON file in the data folder, or in memory only.
///
/// Thread: any; the engines' probing threads call it.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine/engine.hpp"

namespace segue::engine {

class FirstSeen {
public:
    /// More names of one engine than this are not remembered.
    static constexpr std::size_t kMostModels = 4096;

    /// `file` "": as long as the program runs. Dates are worth no refusal to start: what cannot be
    /// read or written is said in the log, once, and the gateway goes on.
    explicit FirstSeen(std::string file);

    /// Gives each model of an engine that answered the moment it was first seen; that is `now` for
    /// a new one. Whole seconds, as the file has them.
    void apply(std::string_view engine, std::vector<ServedModel>& models, WallTime now);
    std::optional<WallTime> find(std::string_view engine, std::string_view model) const;

private:
    using Key = std::pair<std::string, std::string>;  // engine, model

    void read();
    void forget_missing(std::string_view engine, const std::vector<ServedModel>& models);
    void write();

    const std::string file_;
    mutable std::mutex mutex_;
    std::map<Key, WallTime> seen_;
    bool unwritten_ = false;
    bool complained_ = false;
};

}  // namespace segue::engine
