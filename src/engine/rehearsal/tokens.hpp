/// A stand-in for a tokenizer: cuts text into pieces of about the size of real tokens. Pure; the
/// same text gives the same pieces. On the sentences of the recordings it counts exactly what the
/// recorded model counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace segue::engine::rehearsal {

/// The concatenation of the pieces is `text`.
std::vector<std::string> split_tokens(std::string_view text);
std::size_t count_tokens(std::string_view text);

/// Numbers for pieces, as /tokenize, /detokenize and `context` need them. One per engine; one
/// thread.
class Vocabulary {
public:
    std::vector<std::int64_t> encode(std::string_view text);
    /// Ids that nobody ever saw become U+FFFD.
    std::string decode(std::span<const std::int64_t> ids) const;
    std::string_view piece(std::int64_t id) const;

private:
    std::vector<std::string> pieces_;
    std::unordered_map<std::string, std::int64_t> ids_;
};

}  // namespace segue::engine::rehearsal
