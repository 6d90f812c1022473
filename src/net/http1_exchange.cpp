#include "net/http1_exchange.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

#include "base/check.hpp"
#include "net/server_connection.hpp"

namespace segue::net {

Http1Exchange::Http1Exchange(ServerConnection& connection, ExchangeRequest request)
    : ServerExchange(connection.shared(), request.started),
      connection_(&connection),
      request_(request) {
}

void Http1Exchange::send_head(int status, const Headers& headers, Framing framing,
                              std::size_t length) {
    if (connection_ == nullptr) return;
    SEGUE_CHECK(!head_sent_);
    head_sent_ = true;
    framing_ = framing;
    length_ = length;
    chunked_ = framing == Framing::kChunked && request_.version_minor >= 1;
    skips_body_ = request_.head_method || never_has_body(status);
    ends_by_close_ = !skips_body_ && !chunked_ && framing != Framing::kLength;
    if (ends_by_close_) connection_->close_after_answer();

    std::string& out = connection_->out();
    out.append("HTTP/1.1 ").append(fmt::format_int(status).c_str()).append(" ");
    out.append(reason_phrase(status)).append("\r\n");
    for (const auto& [name, value] : headers.entries()) {
        if (is_ours(name)) continue;
        append_clean(name, out);
        out += ": ";
        append_clean(value, out);
        out += "\r\n";
    }
    if (framing == Framing::kLength && !never_has_body(status)) {
        out.append("Content-Length: ").append(fmt::format_int(length).c_str()).append("\r\n");
    } else if (chunked_ && !never_has_body(status)) {
        out += "Transfer-Encoding: chunked\r\n";
    }
    out += "Date: ";
    out += connection_->date();
    if (!connection_->decide_keep_alive()) {
        out += "\r\nConnection: close";
    } else if (request_.version_minor == 0) {
        out += "\r\nConnection: keep-alive";
    }
    out += "\r\n\r\n";
    connection_->queued();
}

void Http1Exchange::send_body(std::string_view bytes) {
    if (connection_ == nullptr || bytes.empty()) return;
    SEGUE_CHECK(head_sent_);
    given_ += bytes.size();
    if (framing_ == Framing::kLength) SEGUE_CHECK(given_ <= length_);
    if (skips_body_) return;
    std::string& out = connection_->out();
    if (chunked_) fmt::format_to(std::back_inserter(out), "{:x}\r\n", bytes.size());
    out += bytes;
    if (chunked_) out += "\r\n";
    connection_->queued();
}

void Http1Exchange::finish() {
    if (connection_ == nullptr) return;
    SEGUE_CHECK(head_sent_);
    if (framing_ == Framing::kLength && given_ < length_ && !skips_body_) {
        // The client would wait for the rest for ever.
        abort();
        return;
    }
    if (chunked_ && !skips_body_) connection_->out() += "0\r\n\r\n";
    connection_->queued();
    connection_->answer_finished();
}

void Http1Exchange::abort() {
    if (connection_ == nullptr) return;
    // An answer that ends by close looks complete after an orderly close: only a reset tells.
    connection_->cut_answer(ends_by_close_ ? ServerConnection::Ending::kReset
                                           : ServerConnection::Ending::kOrderly);
}

void Http1Exchange::close_after() {
    if (connection_ == nullptr) return;
    SEGUE_CHECK(!head_sent_);
    connection_->close_after_answer();
}

std::size_t Http1Exchange::unsent() const {
    return connection_ == nullptr ? 0 : connection_->unsent();
}

}  // namespace segue::net
