#include "llm/framing/ndjson.hpp"

namespace segue::llm {

bool LineSplitter::feed(std::string_view bytes, std::vector<std::string_view>& lines) {
    // What was held holds no newline: the search begins at the new bytes.
    std::size_t from = buffer_.size();
    work_.swap(buffer_);
    buffer_.clear();
    work_.append(bytes);
    const std::string_view text = work_;
    std::size_t start = 0;
    while (true) {
        const std::size_t end = text.find('\n', from);
        if (end == std::string_view::npos) break;
        std::string_view line = text.substr(start, end - start);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (line.size() > max_) return false;
        if (line.find_first_not_of(" \t\r") != std::string_view::npos) lines.push_back(line);
        start = from = end + 1;
    }
    if (start == 0)
        buffer_.swap(work_);  // a long line is not copied with each of its pieces
    else
        buffer_.assign(text.substr(start));
    return buffer_.size() <= max_ + 1;  // one more: the CR of a CR LF that is not whole yet
}

}  // namespace segue::llm
