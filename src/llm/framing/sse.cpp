#include "llm/framing/sse.hpp"

#include <algorithm>
#include <utility>

namespace segue::llm {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// One line and where the next begins; `complete` is false when its end has not come yet.
struct Line {
    std::string_view text;
    std::size_t next = 0;
    bool complete = false;
};

/// Where the first CR or LF stands. In windows: looking for the one through all the text while the
/// other stands nearby would make a long text of short lines quadratic.
std::size_t line_end(std::string_view bytes, std::size_t from) {
    constexpr std::size_t kWindow = 512;
    for (; from < bytes.size(); from += kWindow) {
        const std::string_view window = bytes.substr(from, kWindow);
        const std::size_t lf = window.find('\n');
        const std::size_t cr = window.substr(0, lf).find('\r');
        if (cr != std::string_view::npos) return from + cr;
        if (lf != std::string_view::npos) return from + lf;
    }
    return std::string_view::npos;
}

/// `searched`: no line end comes before it.
Line read_line(std::string_view bytes, std::size_t from, std::size_t searched = 0) {
    const std::size_t end = line_end(bytes, std::max(from, searched));
    if (end == std::string_view::npos) return {};
    std::size_t next = end + 1;
    if (bytes[end] == '\r' && next < bytes.size() && bytes[next] == '\n') ++next;
    return {bytes.substr(from, end - from), next, true};
}

/// An event being gathered from its lines. The first data line needs no copy; further ones do.
struct Gathered {
    std::string_view name;
    std::string_view data;
    std::string joined;
    std::size_t data_lines = 0;
    bool any_line = false;

    void take(std::string_view line) {
        if (!any_line && line.starts_with(kByteOrderMark))
            line.remove_prefix(kByteOrderMark.size());
        any_line = true;
        const std::size_t colon = line.find(':');
        if (colon == 0) return;
        const std::string_view field = line.substr(0, colon);
        std::string_view value;
        if (colon != std::string_view::npos) {
            value = line.substr(colon + 1);
            if (value.starts_with(' ')) value.remove_prefix(1);
        }
        if (field == "event") {
            name = value;
        } else if (field == "data") {
            if (data_lines == 0) {
                data = value;
            } else {
                if (data_lines == 1) joined.assign(data);
                joined += '\n';
                joined += value;
            }
            ++data_lines;
        }
    }
};

}  // namespace

bool SseSplitter::feed(std::string_view bytes, std::vector<SseEvent>& events) {
    work_.swap(buffer_);
    buffer_.clear();
    work_.append(bytes);
    joined_.clear();
    // Which events own a joined text: their views are set at the end, when joined_ moves no more.
    std::vector<std::size_t> owners;

    const std::string_view text = work_;
    std::size_t start = 0;
    std::size_t position = std::exchange(scanned_, 0);
    std::size_t resume = position;  // beginning of the last line whose end may still grow
    const std::size_t searched = std::exchange(searched_, 0);
    // A blank line before any field belongs to the next event's source: an extra line end, or the
    // LF of a CR LF whose CR ended the event before.
    bool any_field = std::exchange(any_field_, false);
    while (true) {
        const Line line = read_line(text, position, searched);
        if (!line.complete) break;
        resume = position;
        position = line.next;
        if (!line.text.empty()) {
            any_field = true;
            continue;
        }
        if (!any_field) continue;
        // The event is whole: only now is it read field by field.
        Gathered gathered;
        for (std::size_t at = start; at < resume;) {
            const Line field = read_line(text, at);
            if (!field.text.empty()) gathered.take(field.text);
            at = field.next;
        }
        SseEvent event;
        event.name = gathered.name;
        event.data = gathered.data;
        event.source = text.substr(start, position - start);
        // WHATWG: without a data line nothing is dispatched.
        event.comment_only = gathered.data_lines == 0;
        if (event.source.size() > max_) return false;
        if (gathered.data_lines > 1) {
            owners.push_back(events.size());
            joined_.push_back(std::move(gathered.joined));
        }
        events.push_back(event);
        start = resume = position;
        any_field = false;
    }
    for (std::size_t i = 0; i < owners.size(); ++i)
        events[owners[i]].data = joined_[i];
    // A CR at the very end may be half a CR LF: that line is read again.
    const bool half = text.size() > start && text.back() == '\r';
    scanned_ = (half ? resume : position) - start;
    // Nothing is read or copied again with each piece of a long event: an engine's line of 10 MB
    // would hold up the worker for seconds.
    searched_ = half ? scanned_ : text.size() - start;
    any_field_ = any_field;
    if (start == 0)
        buffer_.swap(work_);
    else
        buffer_.assign(text.substr(start));
    return buffer_.size() <= max_;
}

bool SseSplitter::at_boundary() const {
    return buffer_.find_first_not_of("\r\n") == std::string::npos;
}

}  // namespace segue::llm
