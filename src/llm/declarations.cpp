#include "llm/declarations.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace segue::llm {
namespace {

void add_once(std::vector<std::string>& names, std::string_view name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

/// Names come from clients (an option's name): what cannot stand in a header becomes '?'.
std::string header_value(const std::vector<std::string>& names) {
    std::string value = join(names, ", ");
    for (char& c : value) {
        if (c < 0x20 || c > 0x7e) c = '?';
    }
    return value;
}

}  // namespace

void Declarations::ignore(std::string_view field, Loss loss) {
    add_once(ignored_, field);
    if (loss == Loss::kSemantic) add_once(semantic_, field);
}

void Declarations::adjust(std::string_view what) {
    add_once(adjusted_, what);
}

std::string Declarations::ignored_header() const {
    return header_value(ignored_);
}

std::string Declarations::adjusted_header() const {
    return header_value(adjusted_);
}

std::optional<Failure> Declarations::strict_refusal() const {
    if (semantic_.empty()) return std::nullopt;
    Failure failure;
    failure.cause = Failure::Cause::kBadRequest;
    failure.message =
        fmt::format("{} not supported by this engine (translation: strict)", join(semantic_, ", "));
    failure.code = "unsupported_parameter";
    failure.param = semantic_.front();
    return failure;
}

}  // namespace segue::llm
