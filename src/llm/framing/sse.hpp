/// Server-sent events (WHATWG HTML, 9.2.6) cut out of a byte stream. Sans-IO.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace segue::llm {

/// Views are valid until the next feed().
struct SseEvent {
    std::string_view name;  // "" = message
    std::string_view data;  // data lines joined by '\n'
    std::string_view
        source;  // the exact bytes of the event, with its blank line: relays pass these on
    bool comment_only = false;  // ": keep-alive" and nothing else
    /// `data` is a part of `source`: it came in one line.
    bool data_in_source() const {
        return data.data() >= source.data() &&
               data.data() + data.size() <= source.data() + source.size();
    }
};

/// LF, CR LF and CR end lines. An event is complete at its blank line.
class SseSplitter {
public:
    explicit SseSplitter(std::size_t max_event_bytes) : max_(max_event_bytes) {}
    /// Appends the events that `bytes` complete. False when one is longer than the limit: the
    /// stream cannot go on.
    bool feed(std::string_view bytes, std::vector<SseEvent>& events);
    /// True when no unfinished event is held.
    bool at_boundary() const;

private:
    std::size_t max_;
    std::string buffer_;               // unfinished bytes
    std::size_t scanned_ = 0;          // how much of them holds no end of an event
    std::size_t searched_ = 0;         // from there to here comes no end of a line
    bool any_field_ = false;           // they hold more than blank lines
    std::string work_;                 // owner of the views handed out by the last feed
    std::vector<std::string> joined_;  // owners of multi-line data of the last feed
};

}  // namespace segue::llm
