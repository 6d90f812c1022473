/// The models that a rehearsal engine pretends to have. What they are made of is invented, and says
/// so: family and format are "rehearsal" wherever a wire has a place for them. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace segue::engine::rehearsal {

inline constexpr std::string_view kLabel = "rehearsal";

struct RehearsalModel {
    std::string name;    // with tag: "llama3.1:8b"
    std::string parent;  // what it was created from
    std::string digest;  // 64 hex digits, from name and contents
    WallTime modified{};
    std::string system;
    std::string template_text;
    std::string license;
    std::string parameters;  // JSON object text, "" = none
    std::optional<WallTime> loaded_until;
    std::int64_t loaded_context = 0;
};

inline constexpr std::int64_t kModelBytes = 4'000'000;
inline constexpr std::int64_t kParameterCount = 1'000'000;
inline constexpr std::string_view kParameterSize = "1M";

/// "m" -> "m:latest", "library/m" -> "m:latest"; nothing when the name breaks Ollama's rules
/// (wire 1.4).
std::optional<std::string> normal_model_name(std::string_view name);

class ModelShelf {
public:
    ModelShelf(const std::vector<std::string>& names, WallTime now);
    /// By any spelling of the name.
    RehearsalModel* find(std::string_view name);
    /// Adds, or replaces the one of that name; the digest is made here.
    RehearsalModel& put(RehearsalModel model);
    bool remove(std::string_view name);
    /// Newest first.
    std::vector<const RehearsalModel*> list() const;

private:
    std::vector<RehearsalModel> models_;
};

}  // namespace segue::engine::rehearsal
