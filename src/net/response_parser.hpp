/// One HTTP/1.x answer out of a byte stream: llhttp's response mode, without sockets and without a
/// clock.
///
/// Lifetime: one parser an answer. Views that feed() returns are valid until the next call or until
/// the fed bytes go.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace segue::net {

class ResponseParser {
public:
    /// An answer to HEAD has a body's headers but no body.
    enum class Body : std::uint8_t { kExpected, kNone };
    enum class Status : std::uint8_t { kMore, kDone, kBad };

    /// What one feed brought.
    struct Step {
        Status status = Status::kMore;
        bool head = false;         // the head became complete: head() is ready
        std::string_view body;     // decoded, all of it in one piece
        std::size_t consumed = 0;  // less than what was fed only at kDone and kBad
    };

    ResponseParser(std::size_t max_head_bytes, Body body);
    ResponseParser(const ResponseParser&) = delete;
    ResponseParser& operator=(const ResponseParser&) = delete;

    /// Interim answers (100, 103) are skipped. Not to be called again after kDone or kBad.
    Step feed(std::string_view bytes);
    /// The stream ended. True when that is the end of the answer (a body without a length).
    bool finish() const;

    const ResponseHead& head() const { return head_; }
    bool head_done() const { return head_done_; }
    /// Nothing has come, or only whole interim answers.
    bool before_answer() const { return message_bytes_ == 0 && error_.empty(); }
    /// After kDone: another request may be sent on the same connection. HTTP/1.0 never (its
    /// keep-alive was never one standard).
    bool reusable() const { return reusable_; }
    /// After kBad: what was wrong, in lower case.
    const std::string& error() const { return error_; }

private:
    struct Callbacks;
    static const llhttp_settings_t& settings();
    int on_headers_complete();
    void add_body(std::string_view bytes);
    int refuse(std::string_view why);
    bool execute(std::string_view bytes, std::size_t& consumed);

    llhttp_t parser_{};
    std::size_t
        head_room_;  // bytes that the head, interim answers before it included, may still take
    Body body_rule_;
    ResponseHead head_;
    std::string name_;
    std::string value_;
    std::string_view body_;  // into the fed bytes, or gathered_
    std::string gathered_;   // several chunks of one read
    std::size_t message_bytes_ = 0;
    bool head_done_ = false;
    bool interim_ = false;
    bool message_done_ = false;
    bool reusable_ = false;
    std::string error_;
};

}  // namespace segue::net
