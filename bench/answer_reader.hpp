/// Reads the answers on one connection of the load generator: HTTP/1.1 framing, then the events in
/// the texts (orders.hpp). It finds what a proxy lost, doubled, reordered or took from another
/// request.
///
/// Thread: one. Lifetime: a connection's; reset() before each request.
#pragma once

#include <strings.h>

#include <algorithm>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "orders.hpp"

namespace bench {

class AnswerReader {
public:
    enum class State : std::uint8_t { kMore, kComplete, kBroken };

    /// `end` must occur after the last event of a good answer; empty: the body ends with '}'.
    void reset(const Orders& orders, std::string_view end) {
        orders_ = orders;
        end_ = end;
        part_ = Part::kHead;
        head_.clear();
        text_.clear();
        why_ = "";
        next_ = 1;
        left_ = 0;
        status_ = 0;
        closes_ = until_close_ = false;
    }

    /// `on_event` gets each event in its order.
    template <class OnEvent>
    State feed(std::string_view bytes, OnEvent&& on_event) {
        while (!bytes.empty()) {
            if (part_ == Part::kDone) return broken("bytes after the end of the answer");
            if (!step(bytes)) return State::kBroken;
            if (!take_events(on_event)) return State::kBroken;
        }
        return part_ == Part::kDone ? finish() : State::kMore;
    }

    /// The peer closed: complete only where the length was "until the end".
    State closed() {
        if (part_ == Part::kBody && until_close_) return finish();
        return broken(part_ == Part::kHead && head_.empty() ? "closed without an answer"
                                                            : "closed within the answer");
    }

    bool has_begun() const { return part_ != Part::kHead || !head_.empty(); }
    bool closes() const { return closes_ || until_close_; }
    std::uint32_t events() const { return next_ - 1; }
    std::string_view why() const { return why_; }
    /// What was read last, for the report of an error.
    std::string sample() const { return head_ + text_.substr(0, 300); }

private:
    enum class Part : std::uint8_t { kHead, kBody, kChunkSize, kChunk, kChunkEnd, kTrailer, kDone };

    State broken(std::string_view why) {
        if (why_.empty()) why_ = why;
        return State::kBroken;
    }

    /// Takes one piece from the front of `bytes`.
    bool step(std::string_view& bytes) {
        switch (part_) {
            case Part::kHead:
            case Part::kChunkSize:
            case Part::kTrailer: return take_line(bytes);
            case Part::kChunkEnd:
                --left_;
                bytes.remove_prefix(1);
                if (left_ == 0) part_ = Part::kChunkSize;
                return true;
            case Part::kBody:
            case Part::kChunk: {
                const std::size_t size =
                    until_close_ ? bytes.size() : std::min<std::size_t>(bytes.size(), left_);
                text_.append(bytes.substr(0, size));
                bytes.remove_prefix(size);
                if (until_close_) return true;
                left_ -= size;
                if (left_ == 0) {
                    part_ = part_ == Part::kBody ? Part::kDone : Part::kChunkEnd;
                    if (part_ == Part::kChunkEnd) left_ = 2;
                }
                return true;
            }
            case Part::kDone: break;
        }
        return true;
    }

    bool take_line(std::string_view& bytes) {
        const std::size_t end = bytes.find('\n');
        line_.append(bytes.substr(0, end));
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
        if (end == std::string_view::npos) return true;
        if (!line_.empty() && line_.back() == '\r') line_.pop_back();
        const bool good = take(line_);
        line_.clear();
        return good;
    }

    bool take(std::string_view line) {
        if (part_ == Part::kChunkSize) {
            left_ = std::strtoul(std::string(line).c_str(), nullptr, 16);
            part_ = left_ == 0 ? Part::kTrailer : Part::kChunk;
            return true;
        }
        if (part_ == Part::kTrailer) {
            if (line.empty()) part_ = Part::kDone;
            return true;
        }
        if (head_.empty()) {
            until_close_ = true;
            status_ = line.size() > 12 ? std::atoi(std::string(line.substr(9, 3)).c_str()) : 0;
        }
        if (!line.empty()) return head_.append(line).append("\n"), read_header(line), true;
        if (part_ == Part::kHead && chunked_)
            part_ = Part::kChunkSize;
        else
            part_ = !until_close_ && left_ == 0 ? Part::kDone : Part::kBody;
        chunked_ = false;
        return true;
    }

    void read_header(std::string_view line) {
        const auto is = [line](std::string_view name) {
            return line.size() > name.size() && line[name.size()] == ':' &&
                   strncasecmp(line.data(), name.data(), name.size()) == 0;
        };
        if (is("content-length")) {
            left_ = std::strtoul(std::string(line.substr(15)).c_str(), nullptr, 10);
            until_close_ = false;
        } else if (is("transfer-encoding")) {
            chunked_ = line.find("chunked") != std::string_view::npos;
            until_close_ = !chunked_;
        } else if (is("connection")) {
            closes_ = line.find("lose") != std::string_view::npos;
        }
    }

    template <class OnEvent>
    bool take_events(OnEvent&& on_event) {
        std::size_t used = 0;
        for (std::size_t at = text_.find('@'); at != std::string::npos;
             at = text_.find('@', at + 1)) {
            if (text_.size() - at < kEventSize - kEventTimeAt + 1) break;  // the rest is to come
            const auto event = read_event(text_, at);
            if (!event) continue;  // an '@' of the proxy's own
            if (event->marker != orders_.marker)
                return broken("the bytes of another request"), false;
            if (event->number != next_) return broken("an event is missing or doubled"), false;
            if (event->sent_ns > now_ns()) return broken("an event with wrong bytes"), false;
            ++next_;
            on_event(*event);
            used = at + kEventSize - kEventTimeAt + 1;
        }
        if (used != 0) text_.erase(0, used);
        return true;
    }

    State finish() {
        if (status_ != 200) return broken("another status than 200");
        if (next_ - 1 != orders_.events) return broken("the answer ended before its last event");
        if (end_.empty()) {
            const std::size_t last = text_.find_last_not_of(" \r\n");
            if (last == std::string::npos || text_[last] != '}')
                return broken("the object is not closed");
        } else if (text_.find(end_) == std::string::npos) {
            return broken("the stream's end is not marked");
        }
        return State::kComplete;
    }

    Orders orders_;
    std::string_view end_;  // owned by the load generator's options
    Part part_ = Part::kHead;
    std::string head_, line_;
    std::string text_;  // of the body: what follows the last event
    std::string_view why_;
    std::uint32_t next_ = 1;
    std::size_t left_ = 0;
    int status_ = 0;
    bool chunked_ = false, closes_ = false, until_close_ = false;
};

}  // namespace bench
