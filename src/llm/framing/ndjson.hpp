/// Newline-delimited JSON cut into lines. Sans-IO.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace segue::llm {

class LineSplitter {
public:
    explicit LineSplitter(std::size_t max_line_bytes) : max_(max_line_bytes) {}
    /// Appends the lines that `bytes` complete, without their end of line; blank ones are skipped.
    /// Views are valid until the next call. False when a line is longer than the limit.
    bool feed(std::string_view bytes, std::vector<std::string_view>& lines);
    /// The last line, when the stream ended without a newline. "" if there is none.
    std::string_view rest() const { return buffer_; }

private:
    std::size_t max_;
    std::string buffer_;
    std::string work_;
};

}  // namespace segue::llm
