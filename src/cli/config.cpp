#include "serve/config.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ostream>

#include "base/json.hpp"
#include "cli/commands.hpp"
#include "serve/daemon.hpp"

namespace segue::cli {
namespace {

int report_issues(Console& console, const std::vector<SettingIssue>& issues) {
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.member("ok", issues.empty()).key("issues").begin_array();
            for (const auto& issue : issues) {
                w.begin_object().member("source", issue.source).member("line", issue.line);
                w.member("column", issue.column).member("message", issue.message).end_object();
            }
            w.end_array();
        }) << '\n';
    } else {
        for (const auto& issue : issues)
            console.err << console.red("error: ") << issue.to_string() << '\n';
    }
    return issues.empty() ? kFine : kUsage;
}

}  // namespace

int config_check_command(const serve::Flags& flags, Console& console) {
    const auto loaded = serve::load_config(flags, console.environment);
    const int code = report_issues(console, loaded.issues);
    if (code == kFine && console.output == Output::kText) {
        const auto& config = loaded.config;
        console.out << console.green("ok: ")
                    << fmt::format(
                           "{}: {} engines, {} models\n",
                           config.file.empty() ? "no file, environment and defaults" : config.file,
                           config.registry.engines.size(), config.registry.models.size());
    }
    return code;
}

int config_show_command(const serve::Flags& flags, Console& console) {
    const auto loaded = serve::load_config(flags, console.environment);
    if (!loaded.issues.empty()) return report_issues(console, loaded.issues);
    console.out << (console.output == Output::kJson ? serve::show_config_json(loaded.config) + "\n"
                                                    : serve::show_config(loaded.config));
    return kFine;
}

int config_init_command(const std::string& file, Console& console) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        if (errno == EEXIST)
            return report(
                console,
                {Fault::kConflict,
                 fmt::format("{} exists and was left alone; name another file with --output",
                             file)});
        return report(
            console, {Fault::kIo, fmt::format("cannot write {} ({})", file, std::strerror(errno))});
    }
    const auto text = serve::initial_config();
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (::close(fd) != 0 || !written)
        return report(
            console, {Fault::kIo, fmt::format("cannot write {} ({})", file, std::strerror(errno))});
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) { w.member("file", file); }) << '\n';
    } else {
        console.out << fmt::format("wrote {}; edit it, then: segue config check --config {}\n",
                                   file, file);
    }
    return kFine;
}

}  // namespace segue::cli
