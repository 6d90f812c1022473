#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace segue::log {
namespace {

std::atomic<Level> current_level{Level::kInfo};
std::atomic<Format> current_format{Format::kText};

spdlog::logger& sink() {
    static const auto logger = [] {
        auto made = std::make_shared<spdlog::logger>(
            "segue", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%v");
        made->set_level(spdlog::level::trace);
        made->flush_on(spdlog::level::trace);
        // A full disk or a closed pipe behind standard error must not stop the gateway.
        made->set_error_handler([](const std::string&) {});
        return made;
    }();
    return *logger;
}

std::string_view name(Level level) {
    switch (level) {
        case Level::kDebug: return "debug";
        case Level::kInfo: return "info";
        case Level::kWarning: return "warning";
        case Level::kError: return "error";
        case Level::kOff: return "off";
    }
    return "info";
}

}  // namespace

void configure(Level level, Format format) {
    current_level.store(level, std::memory_order_relaxed);
    current_format.store(format, std::memory_order_relaxed);
}

Level level() {
    return current_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message) {
    if (level < current_level.load(std::memory_order_relaxed)) return;
    const std::string time = rfc3339(std::chrono::system_clock::now());
    if (current_format.load(std::memory_order_relaxed) == Format::kJson) {
        sink().info(json::object([&](json::Writer& w) {
            w.member("time", time).member("level", name(level)).member("message", message);
        }));
    } else {
        sink().info("{} {:<7} {}", time, name(level), message);
    }
}

void write_object(std::string_view json_object) {
    if (level() != Level::kOff) sink().info("{}", json_object);
}

}  // namespace segue::log
