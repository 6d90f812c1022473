#include "net/response_parser.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace segue::net {

/// llhttp's callbacks are C functions: each finds its parser in `data`.
struct ResponseParser::Callbacks {
    static ResponseParser& self(llhttp_t* parser) {
        return *static_cast<ResponseParser*>(parser->data);
    }
    static int status(llhttp_t* parser, const char* at, std::size_t length) {
        self(parser).head_.reason.append(at, length);
        return HPE_OK;
    }
    static int field(llhttp_t* parser, const char* at, std::size_t length) {
        self(parser).name_.append(at, length);
        return HPE_OK;
    }
    static int value(llhttp_t* parser, const char* at, std::size_t length) {
        self(parser).value_.append(at, length);
        return HPE_OK;
    }
    static int value_complete(llhttp_t* parser) {
        ResponseParser& me = self(parser);
        // Trailers after the last chunk come the same way; nobody waits for them.
        if (!me.head_done_) me.head_.headers.add(me.name_, trim(me.value_));
        me.name_.clear();
        me.value_.clear();
        return HPE_OK;
    }
    static int headers_complete(llhttp_t* parser) { return self(parser).on_headers_complete(); }
    static int body(llhttp_t* parser, const char* at, std::size_t length) {
        self(parser).add_body(std::string_view(at, length));
        return HPE_OK;
    }
    static int message_complete(llhttp_t* parser) {
        self(parser).message_done_ = true;
        // Stop here, so that bytes behind the answer are neither parsed nor lost.
        return HPE_PAUSED;
    }
};

const llhttp_settings_t& ResponseParser::settings() {
    static const llhttp_settings_t made = [] {
        llhttp_settings_t out;
        llhttp_settings_init(&out);
        out.on_status = Callbacks::status;
        out.on_header_field = Callbacks::field;
        out.on_header_value = Callbacks::value;
        out.on_header_value_complete = Callbacks::value_complete;
        out.on_headers_complete = Callbacks::headers_complete;
        out.on_body = Callbacks::body;
        out.on_message_complete = Callbacks::message_complete;
        return out;
    }();
    return made;
}

ResponseParser::ResponseParser(std::size_t max_head_bytes, Body body)
    : head_room_(max_head_bytes), body_rule_(body) {
    llhttp_init(&parser_, HTTP_RESPONSE, &settings());
    parser_.data = this;
}

int ResponseParser::refuse(std::string_view why) {
    error_ = why;
    return -1;
}

int ResponseParser::on_headers_complete() {
    constexpr int kGoOn = 0;
    constexpr int kNoBody = 1;
    head_.status = parser_.status_code;
    if (parser_.http_major != 1) return refuse("the answer is not HTTP/1.0 or HTTP/1.1");
    if (head_.status < 100 || head_.status > 999) return refuse("status out of range");
    // Nobody asked for an upgrade: what follows would be another protocol.
    if (head_.status == 101) return refuse("status 101 without a request to upgrade");
    std::size_t codings = 0;
    for (const auto& [name, value] : head_.headers.entries()) {
        if (!iequals(name, "transfer-encoding")) continue;
        if (++codings > 1 || !iequals(value, "chunked"))
            return refuse("transfer coding other than chunked");
    }
    if (codings != 0 && head_.headers.has("content-length"))
        return refuse("both Content-Length and Transfer-Encoding");
    head_done_ = true;
    interim_ = head_.status < 200;
    if (interim_ || body_rule_ == Body::kNone || head_.status == 204 || head_.status == 304)
        return kNoBody;
    return kGoOn;
}

void ResponseParser::add_body(std::string_view bytes) {
    if (body_.empty()) {
        body_ = bytes;
        return;
    }
    // The second chunk of one read: from here on they are gathered, so that the caller sees one
    // piece a read.
    if (gathered_.empty()) gathered_.assign(body_);
    gathered_.append(bytes);
    body_ = gathered_;
}

bool ResponseParser::execute(std::string_view bytes, std::size_t& consumed) {
    const llhttp_errno_t result = llhttp_execute(&parser_, bytes.data(), bytes.size());
    if (result == HPE_OK) {
        consumed = bytes.size();
        return true;
    }
    const char* stop = llhttp_get_error_pos(&parser_);
    consumed = stop == nullptr ? bytes.size() : static_cast<std::size_t>(stop - bytes.data());
    if (result == HPE_PAUSED && message_done_) return true;
    if (error_.empty()) {
        const char* reason = llhttp_get_error_reason(&parser_);
        error_ = reason != nullptr && *reason != '\0' ? reason : llhttp_errno_name(result);
        error_[0] = ascii_lower(error_[0]);
    }
    return false;
}

ResponseParser::Step ResponseParser::feed(std::string_view bytes) {
    Step step;
    body_ = {};
    gathered_.clear();
    while (step.consumed < bytes.size()) {
        std::string_view rest = bytes.substr(step.consumed);
        const bool in_head = !head_done_;
        if (in_head) rest = rest.substr(0, head_room_);
        std::size_t consumed = 0;
        const bool good = execute(rest, consumed);
        step.consumed += consumed;
        message_bytes_ += consumed;
        if (in_head) head_room_ -= std::min(consumed, head_room_);
        if (!good) {
            step.status = Status::kBad;
            break;
        }
        if (head_done_ && interim_) {
            if (!message_done_) continue;
            llhttp_init(&parser_, HTTP_RESPONSE, &settings());
            parser_.data = this;
            head_ = ResponseHead{};
            message_bytes_ = 0;
            head_done_ = interim_ = message_done_ = false;
            continue;
        }
        if (in_head && head_done_) step.head = true;
        if (message_done_) {
            step.status = Status::kDone;
            reusable_ = parser_.http_minor == 1 && llhttp_should_keep_alive(&parser_) == 1;
            break;
        }
        if (!head_done_ && head_room_ == 0) {
            error_ = "head too large";
            step.status = Status::kBad;
            break;
        }
    }
    step.body = body_;
    return step;
}

bool ResponseParser::finish() const {
    return head_done_ && !interim_ && llhttp_message_needs_eof(&parser_) == 1;
}

}  // namespace segue::net
