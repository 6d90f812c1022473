/// Logging: one JSON object a line on standard error, or plain text on a terminal. Thread-safe.
/// Prompts, answers and keys never go here (DESIGN: "Prompts and answers never in logs").
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace segue::log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarning, kError, kOff };
enum class Format : std::uint8_t { kText, kJson };

/// Called once by main before threads start; the default is info, text.
void configure(Level level, Format format);
Level level();

void write(Level level, std::string_view message);
/// A line that is a JSON object already (the access log). Written whatever the level, unless kOff.
void write_object(std::string_view json_object);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    if (level() <= Level::kDebug)
        write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    if (level() <= Level::kInfo)
        write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
    if (level() <= Level::kWarning)
        write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    if (level() <= Level::kError)
        write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace segue::log
