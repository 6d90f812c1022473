/// Where one attempt goes, as the codecs need to know it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "llm/chat.hpp"
#include "llm/profile.hpp"

namespace segue::llm {

/// What was learned of an engine by probe or from an error (wire.md 5: never by version number).
/// Shared by all workers, written rarely; forgotten when the engine restarts. All members may be
/// touched from any thread.
class EngineTraits {
public:
    enum class Tri : std::uint8_t { kUnknown, kNo, kYes };

    std::atomic<Tri> reasoning_parser{Tri::kUnknown};
    std::atomic<Tri> tools{Tri::kUnknown};
    std::atomic<Tri> vision{Tri::kUnknown};
    std::atomic<Tri> insert{Tri::kUnknown};
    std::atomic<Tri> responses_api{Tri::kUnknown};
    std::atomic<Tri> structured_outputs{Tri::kUnknown};  // knows that name (vLLM >= 0.11)
    std::atomic<bool> answers_reasoning_content{false};  // was seen to use the old name
    std::atomic<bool> guided_json{false};                // response_format json_schema is refused
    std::atomic<bool> join_neighbours{false};
    std::atomic<bool> fold_system{false};
    std::atomic<bool> effort_three_levels{false};  // low, medium, high only
    std::atomic<bool> boolean_think_only{false};   // Ollama before 0.11: no levels
    std::atomic<bool> no_max_think{false};         // Ollama before 0.22: level max unknown

    /// Request fields that the engine refused as unknown.
    void refuse_field(std::string_view name);
    bool refuses(std::string_view name) const;
    void forget();

private:
    mutable std::mutex mutex_;
    std::atomic<bool> any_refused_{false};
    std::set<std::string, std::less<>> refused_;
};

struct Target {
    Dialect dialect = Dialect::kOpenAi;         // kOllama or kOpenAi
    std::string engine;                         // Segue's name of the engine
    std::string served_model;                   // the name it serves there
    std::shared_ptr<const Profile> profile;     // never null
    std::shared_ptr<EngineTraits> traits;       // never null
    bool sleeping = false;                      // the last probe found it asleep
    std::optional<std::int64_t> max_model_len;  // tokens; absent = unknown
    /// completion, tools, insert, vision, embedding, thinking, …; empty = unknown.
    std::vector<std::string> capabilities;
    bool has_capability(std::string_view name) const;
};

/// One moment on both clocks: steady for durations, wall for what clients read.
struct Moment {
    TimePoint at{};
    WallTime wall{};
};

/// Settings of the gateway that the translation must know.
struct Policy {
    bool strict = false;                 // translation: strict
    bool both_reasoning_fields = false;  // reasoning_field: both
    bool ollama_sampling_for_openai =
        true;  // OpenAI front -> Ollama: absent temperature/top_p become 1.0 (wire 3.12)
    std::size_t max_line_bytes = 16 * 1024 * 1024;  // longest line or event accepted from an engine
};

}  // namespace segue::llm
