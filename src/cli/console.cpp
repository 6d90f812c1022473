#include <fmt/format.h>

#include <ostream>

#include "base/json.hpp"
#include "cli/commands.hpp"

namespace segue::cli {
namespace {

std::string paint(bool colour, int code, std::string_view text) {
    return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

int exit_code(Fault fault) {
    switch (fault) {
        case Fault::kInvalid:
        case Fault::kNotFound:
        case Fault::kTooLarge:
        case Fault::kConflict: return kUsage;
        case Fault::kUnreachable:
        case Fault::kTimeout:
        case Fault::kIo: return kUnreachable;
        case Fault::kInternal: return kInternal;
    }
    return kInternal;
}

}  // namespace

std::string Console::bold(std::string_view text) const {
    return paint(colour, 1, text);
}
std::string Console::green(std::string_view text) const {
    return paint(colour, 32, text);
}
std::string Console::yellow(std::string_view text) const {
    return paint(colour, 33, text);
}
std::string Console::red(std::string_view text) const {
    return paint(colour, 31, text);
}

int report(const Console& console, const Error& error) {
    if (console.output == Output::kJson) {
        console.err << json::object([&](json::Writer& w) {
            w.key("error").begin_object().member("fault", fault_name(error.fault));
            w.member("message", error.detail).end_object();
        }) << '\n';
    } else {
        console.err << console.red("segue: ") << error.detail << '\n';
    }
    return exit_code(error.fault);
}

}  // namespace segue::cli
