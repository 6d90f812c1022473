#include "net/http2_exchange.hpp"

#include "base/check.hpp"
#include "net/http2_connection.hpp"

namespace segue::net {

Http2Exchange::Http2Exchange(Http2Connection& connection, Http2Stream& stream, ServerShared& shared)
    : ServerExchange(shared, stream.started),
      connection_(&connection),
      stream_(&stream),
      shared_(shared),
      head_method_(stream.head.method == "HEAD") {
}

void Http2Exchange::send_head(int status, const Headers& headers, Framing framing,
                              std::size_t length) {
    if (connection_ == nullptr) return;
    SEGUE_CHECK(!head_sent_);
    head_sent_ = true;
    has_length_ = framing == Framing::kLength && !never_has_body(status);
    length_ = length;
    skips_body_ = head_method_ || never_has_body(status) || framing == Framing::kNone ||
                  (has_length_ && length == 0);
    Headers out;
    for (const auto& [name, value] : headers.entries()) {
        if (is_ours(name)) continue;
        std::string clean_name;
        std::string clean_value;
        append_clean(name, clean_name);
        append_clean(value, clean_value);
        out.add(clean_name, clean_value);
    }
    if (has_length_) out.add("content-length", std::to_string(length));
    out.add("date", shared_.date());
    connection_->submit_head(
        *stream_, status, out,
        skips_body_ ? Http2Connection::Body::kNo : Http2Connection::Body::kYes);
}

void Http2Exchange::send_body(std::string_view bytes) {
    if (connection_ == nullptr || bytes.empty()) return;
    SEGUE_CHECK(head_sent_);
    given_ += bytes.size();
    if (has_length_) SEGUE_CHECK(given_ <= length_);
    if (!skips_body_) connection_->queue_body(*stream_, bytes);
}

void Http2Exchange::finish() {
    if (connection_ == nullptr) return;
    SEGUE_CHECK(head_sent_);
    if (has_length_ && given_ < length_ && !skips_body_) {
        // The client would wait for the rest for ever.
        abort();
        return;
    }
    connection_->answer_finished(*stream_);
}

void Http2Exchange::abort() {
    if (connection_ != nullptr) connection_->cut_answer(*stream_);
}

std::size_t Http2Exchange::unsent() const {
    return connection_ == nullptr ? 0 : stream_->unsent();
}

}  // namespace segue::net
