#include <fmt/format.h>

#include <algorithm>
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

void print_table(
    const Console& console, const std::vector<Row>& rows,
    const std::function<std::string(std::size_t column, const std::string& cell)>& paint_cell) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    for (std::size_t line = 0; line < rows.size(); ++line) {
        const Row& row = rows[line];
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string cell =
                i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
            console.out << (line == 0     ? console.bold(cell)
                            : !paint_cell ? cell
                                          : paint_cell(i, cell));
        }
        console.out << '\n';
    }
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
