/// What a translation could not carry over, in request order: "declared, never lost in silence"
/// (DESIGN; wire.md 3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/failure.hpp"

namespace segue::llm {

enum class Loss : std::uint8_t {
    kHint,      // speed or memory only: never an error
    kSemantic,  // may change the answer: a 400 under `translation: strict`
};

class Declarations {
public:
    /// A field that is left out.
    void ignore(std::string_view field, Loss loss);
    /// Something that was changed rather than dropped: "temperature", "messages(-7)".
    void adjust(std::string_view what);

    const std::vector<std::string>& ignored() const { return ignored_; }
    const std::vector<std::string>& adjusted() const { return adjusted_; }
    /// Values of the Segue-Ignored and Segue-Adjusted headers; "" = no header.
    std::string ignored_header() const;
    std::string adjusted_header() const;
    /// The refusal that `translation: strict` makes of the semantic losses, if any.
    std::optional<Failure> strict_refusal() const;

private:
    std::vector<std::string> ignored_;
    std::vector<std::string> adjusted_;
    std::vector<std::string> semantic_;
};

}  // namespace segue::llm
