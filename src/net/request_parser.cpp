#include "net/request_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"
#include "net/request_rules.hpp"

namespace segue::net {
namespace {

// Registered codings that we could name, but do not undo in a request.
constexpr std::array<std::string_view, 6> kKnownCodings{"gzip",       "x-gzip",  "compress",
                                                        "x-compress", "deflate", "identity"};

bool is_known_coding(std::string_view token) {
    return std::any_of(kKnownCodings.begin(), kKnownCodings.end(),
                       [&](std::string_view known) { return iequals(known, token); });
}

// llhttp also calls a missing CR after "HTTP/1.1" an invalid version.
int status_of(llhttp_errno_t error, const llhttp_t& parser) {
    const bool ours = parser.http_major == 1 && parser.http_minor <= 1;
    return error == HPE_INVALID_VERSION && !ours ? 505 : 400;
}

}  // namespace

struct RequestParser::Callbacks {
    static RequestParser& self(llhttp_t* parser) {
        return *static_cast<RequestParser*>(parser->data);
    }
    static bool in_trailers(llhttp_t* parser) { return self(parser).state_ == State::kBody; }

    static int on_url(llhttp_t* parser, const char* at, std::size_t length) {
        self(parser).target_.append(at, length);
        return 0;
    }
    static int on_field(llhttp_t* parser, const char* at, std::size_t length) {
        if (in_trailers(parser)) return self(parser).count_overhead(length, "trailers");
        self(parser).field_.append(at, length);
        return 0;
    }
    static int on_value(llhttp_t* parser, const char* at, std::size_t length) {
        if (in_trailers(parser)) return self(parser).count_overhead(length, "trailers");
        self(parser).value_.append(at, length);
        return 0;
    }
    static int on_value_complete(llhttp_t* parser) {
        return in_trailers(parser) ? 0 : self(parser).header_complete();
    }
    static int on_headers_complete(llhttp_t* parser) {
        // A trailer section ends without this call; see llhttp's F_TRAILING.
        return self(parser).headers_complete();
    }
    static int on_chunk_header(llhttp_t* parser) { return self(parser).chunk_begins(); }
    static int on_extension(llhttp_t* parser, const char*, std::size_t length) {
        return self(parser).count_overhead(length, "chunk extensions");
    }
    static int on_body(llhttp_t* parser, const char* at, std::size_t length) {
        RequestParser& own = self(parser);
        own.body_bytes_ += length;
        return own.go_on(own.sink_->on_body(std::string_view(at, length)));
    }
    static int on_message_complete(llhttp_t* parser) {
        RequestParser& own = self(parser);
        own.state_ = State::kEnd;
        if (own.sink_->on_request_end() == Next::kStop) own.state_ = State::kStopped;
        return HPE_PAUSED;
    }
};

const llhttp_settings_t& RequestParser::settings() {
    static const llhttp_settings_t kSettings = [] {
        llhttp_settings_t out;
        llhttp_settings_init(&out);
        out.on_url = Callbacks::on_url;
        out.on_header_field = Callbacks::on_field;
        out.on_header_value = Callbacks::on_value;
        out.on_header_value_complete = Callbacks::on_value_complete;
        out.on_headers_complete = Callbacks::on_headers_complete;
        out.on_chunk_header = Callbacks::on_chunk_header;
        out.on_chunk_extension_name = Callbacks::on_extension;
        out.on_chunk_extension_value = Callbacks::on_extension;
        out.on_body = Callbacks::on_body;
        out.on_message_complete = Callbacks::on_message_complete;
        return out;
    }();
    return kSettings;
}

RequestParser::RequestParser(const ServerLimits& limits) : limits_(limits) {
    next();
}

void RequestParser::next() {
    // All lenient flags stay off: what proxies before us read differently must be refused here
    // (conformance cases C129, C130).
    llhttp_init(&llhttp_, HTTP_REQUEST, &settings());
    llhttp_.data = this;
    state_ = State::kStart;
    head_ = {};
    target_.clear();
    field_.clear();
    value_.clear();
    headers_ = 0;
    head_bytes_ = 0;
    overhead_bytes_ = 0;
    body_bytes_ = 0;
    expects_continue_ = false;
}

std::size_t RequestParser::feed(std::string_view bytes, Sink& sink) {
    sink_ = &sink;
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        if (state_ == State::kStart) {
            // Some clients send an empty line after a body; it must not start the header deadline.
            if (bytes[taken] == '\r' || bytes[taken] == '\n') {
                ++taken;
                continue;
            }
            state_ = State::kHead;
        }
        if (state_ != State::kHead && state_ != State::kBody) break;
        std::string_view slice = bytes.substr(taken);
        const bool in_head = state_ == State::kHead;
        // A head that is still open after as many bytes as allowed is too large.
        if (in_head) slice = slice.substr(0, limits_.max_header_bytes - head_bytes_);
        const llhttp_errno_t result = llhttp_execute(&llhttp_, slice.data(), slice.size());
        if (result == HPE_OK) {
            taken += slice.size();
        } else {
            const char* stop = llhttp_get_error_pos(&llhttp_);
            if (stop != nullptr) taken += static_cast<std::size_t>(stop - slice.data());
            if (result == HPE_PAUSED_H2_UPGRADE) {
                state_ = State::kHttp2;
            } else if (result != HPE_PAUSED && state_ != State::kRefused &&
                       state_ != State::kStopped) {
                const char* reason = llhttp_get_error_reason(&llhttp_);
                refuse(status_of(result, llhttp_),
                       fmt::format("malformed request ({})",
                                   reason != nullptr ? reason : "unreadable"));
            }
            break;
        }
        if (in_head && state_ == State::kHead) {
            head_bytes_ += slice.size();
            if (head_bytes_ >= limits_.max_header_bytes) {
                refuse(431, fmt::format("request line and headers are larger than {} bytes",
                                        limits_.max_header_bytes));
            }
        }
    }
    sink_ = nullptr;
    return taken;
}

int RequestParser::refuse(int status, std::string message) {
    state_ = State::kRefused;
    error_ = ProtocolError{.status = status, .message = std::move(message), .target = target_};
    return -1;
}

int RequestParser::go_on(Next next) {
    if (next == Next::kGoOn) return 0;
    state_ = State::kStopped;
    return -1;
}

int RequestParser::header_complete() {
    if (++headers_ > limits_.max_headers)
        return refuse(431, fmt::format("more than {} headers", limits_.max_headers));
    head_.headers.add(field_, trim(value_));
    field_.clear();
    value_.clear();
    return 0;
}

int RequestParser::count_overhead(std::size_t bytes, std::string_view what) {
    overhead_bytes_ += bytes;
    if (overhead_bytes_ <= limits_.max_header_bytes) return 0;
    return refuse(431, fmt::format("{} are larger than {} bytes", what, limits_.max_header_bytes));
}

int RequestParser::chunk_begins() {
    // llhttp keeps the size of the chunk in content_length; body_bytes_ never exceeds the limit.
    if (llhttp_.content_length > limits_.max_body_bytes - body_bytes_)
        return refuse(413,
                      fmt::format("request body is larger than {} bytes", limits_.max_body_bytes));
    return 0;
}

int RequestParser::check_target() {
    const auto wrong = split_target(head_);
    return wrong ? refuse(wrong->status, wrong->message) : 0;
}

int RequestParser::check_host() {
    std::optional<std::string_view> host;
    for (const auto& [name, value] : head_.headers.entries()) {
        if (!iequals(name, "Host")) continue;
        if (host) return refuse(400, "two Host headers");
        host = value;
    }
    if (!host) return head_.version_minor >= 1 ? refuse(400, "missing Host header") : 0;
    if (!is_host_value(*host)) return refuse(400, "malformed Host header");
    return 0;
}

int RequestParser::check_transfer_encoding() {
    bool present = false;
    std::vector<std::string_view> codings;
    for (const auto& [name, value] : head_.headers.entries()) {
        if (!iequals(name, "Transfer-Encoding")) continue;
        present = true;
        for (const std::string_view part : split(value, ','))
            codings.push_back(trim(part));
    }
    if (!present) return 0;
    if (head_.version_minor == 0) return refuse(400, "Transfer-Encoding in an HTTP/1.0 request");
    if (head_.headers.has("Content-Length"))
        return refuse(400, "both Content-Length and Transfer-Encoding");
    for (const std::string_view coding : codings) {
        if (!coding.empty() && !iequals(coding, "chunked") && !is_known_coding(coding))
            return refuse(501, fmt::format("unknown transfer coding \"{}\"", coding));
    }
    if (codings.empty() || !iequals(codings.back(), "chunked"))
        return refuse(400, "the last transfer coding must be chunked");
    if (codings.size() == 1) return 0;
    const auto chunked = std::count_if(codings.begin(), codings.end(), [](std::string_view coding) {
        return iequals(coding, "chunked");
    });
    if (chunked > 1) return refuse(400, "chunked transfer coding given twice");
    return refuse(501, "transfer codings other than chunked are not supported");
}

int RequestParser::check_expect() {
    const auto expect = head_.headers.find("Expect");
    if (!expect) return 0;
    if (!iequals(*expect, "100-continue"))
        return refuse(417, fmt::format("unknown expectation \"{}\"", *expect));
    // An HTTP/1.0 client cannot mean it (RFC 9110 10.1.1).
    expects_continue_ = head_.version_minor >= 1;
    return 0;
}

int RequestParser::headers_complete() {
    if (llhttp_.http_major != 1 || llhttp_.http_minor > 1)
        return refuse(505, fmt::format("HTTP/{}.{} is not supported", llhttp_.http_major,
                                       llhttp_.http_minor));
    head_.target = target_;
    head_.version_minor = llhttp_.http_minor;
    head_.method = llhttp_method_name(static_cast<llhttp_method_t>(llhttp_.method));
    for (const auto check :
         {&RequestParser::check_target, &RequestParser::check_host,
          &RequestParser::check_transfer_encoding, &RequestParser::check_expect}) {
        if (const int refused = (this->*check)(); refused != 0) return refused;
    }
    const bool chunked = (llhttp_.flags & F_CHUNKED) != 0;
    const std::uint64_t length =
        !chunked && (llhttp_.flags & F_CONTENT_LENGTH) != 0 ? llhttp_.content_length : 0;
    if (length > limits_.max_body_bytes)
        return refuse(413, fmt::format("request body of {} bytes is larger than {} bytes", length,
                                       limits_.max_body_bytes));
    // We answer "Upgrade: h2c" (Java's client sends it) as plain HTTP/1.1; left set, llhttp would
    // end the message here.
    llhttp_.upgrade = 0;

    ParsedHead parsed;
    parsed.keep_alive = llhttp_should_keep_alive(&llhttp_) != 0;
    parsed.content_length = chunked ? std::nullopt : std::optional(length);
    parsed.expects_continue = expects_continue_ && (chunked || length > 0);
    parsed.request = std::move(head_);
    state_ = State::kBody;
    return go_on(sink_->on_head(std::move(parsed)));
}

}  // namespace segue::net
