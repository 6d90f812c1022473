/// Reads a YAML configuration against what the program asks for: every question names a key, a type
/// and a range; whatever was not asked for is an unknown key. Problems are collected with line and
/// column, so that one run shows them all.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace segue {

/// One thing wrong with a configuration; line and column count from 1, 0 = not from the file.
struct SettingIssue {
    std::string source;  // file name, or the environment variable
    int line = 0;
    int column = 0;
    std::string message;
    std::string to_string()
        const;  // "segue.yaml:3:5: unknown key 'enignes'; did you mean 'engines'?"
};

/// Looks a variable up; nothing when unset. std::getenv in the program, a map in tests.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
Environment process_environment();

/// A mapping of the file. Each scalar may be overridden by the environment: path "limits.max_body"
/// is SEGUE_LIMITS_MAX_BODY.
class Settings {
public:
    /// Reads `text`; an empty text is an empty mapping. `source` names it in issues.
    static Settings parse(std::string_view text, std::string source, Environment environment,
                          std::vector<SettingIssue>& issues);
    ~Settings();
    Settings(Settings&&) noexcept;
    Settings& operator=(Settings&&) noexcept;

    std::optional<std::string> string(std::string_view key);
    std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high);
    std::optional<double> number(std::string_view key, double low, double high);
    std::optional<bool> boolean(std::string_view key);
    /// "500ms", "10s", "5m", "1h", "7d"; a bare number is seconds.
    std::optional<std::chrono::milliseconds> duration(std::string_view key);
    /// "64MiB", "1GB", "512k"; a bare number is bytes.
    std::optional<std::int64_t> bytes(std::string_view key);
    /// One of `names`; answers its position.
    std::optional<std::size_t> choice(std::string_view key,
                                      std::span<const std::string_view> names);
    std::optional<std::vector<std::string>> strings(std::string_view key);
    /// A nested mapping; missing is nothing.
    std::optional<Settings> section(std::string_view key);
    /// A list of mappings; missing is empty.
    std::vector<Settings> list(std::string_view key);
    /// Members of a free mapping as name and JSON text of the scalar or list.
    std::vector<std::pair<std::string, std::string>> scalars(std::string_view key);
    bool has(std::string_view key) const;

    /// Adds an issue at the place of `key` (or of this mapping, when "").
    void complain(std::string_view key, std::string message);
    /// Names every key that nobody asked for, with the nearest known one. Call it last.
    void finish();

private:
    struct Impl;
    explicit Settings(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::optional<std::int64_t> parse_bytes(std::string_view text);

}  // namespace segue
