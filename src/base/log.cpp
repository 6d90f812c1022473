#include "base/log.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/line_writer.hpp"

namespace segue::log {
namespace {

std::atomic<Level> current_level{Level::kInfo};
std::atomic<Format> current_format{Format::kText};

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

std::string message_line(Level level, std::string_view message) {
    const std::string time = rfc3339(std::chrono::system_clock::now());
    if (current_format.load(std::memory_order_relaxed) == Format::kJson) {
        return json::object([&](json::Writer& w) {
            w.member("time", time).member("level", name(level)).member("message", message);
        });
    }
    return fmt::format("{} {:<7} {}", time, name(level), message);
}

/// Neither a full disk nor a pipe that nobody reads may stop the gateway; see LineWriter.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
    void sink_it_(const spdlog::details::log_msg& message) override {
        const bool taken = writer_.write({message.payload.data(), message.payload.size()});
        lost_ += writer_.take_lost();
        if (!taken || lost_ == 0) return;
        const std::uint64_t lost = std::exchange(lost_, 0);
        writer_.write(message_line(
            Level::kWarning,
            fmt::format(
                "{} log lines were lost before the last one: standard error did not take them",
                lost)));
    }
    void flush_() override {}

    LineWriter writer_{STDERR_FILENO};
    std::uint64_t lost_ = 0;
};

spdlog::logger& sink() {
    static const auto logger = [] {
        auto made = std::make_shared<spdlog::logger>("segue", std::make_shared<StandardError>());
        made->set_level(spdlog::level::trace);
        return made;
    }();
    return *logger;
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
    sink().info("{}", message_line(level, message));
}

void write_object(std::string_view json_object) {
    if (level() != Level::kOff) sink().info("{}", json_object);
}

}  // namespace segue::log
