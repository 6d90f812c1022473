/// Parses HTTP/1.x requests from bytes (sans-IO, llhttp inside) and refuses what could be read in
/// two ways.
///
/// Stands on one connection and is fed its bytes in order. Feeding stops at the end of each
/// request, so that the connection decides when the next one may begin. A refusal is final: the
/// connection answers it and closes.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"
#include "net/server.hpp"

namespace segue::net {

/// A complete head with what the connection must know about the message.
struct ParsedHead {
    RequestHead request;
    bool keep_alive = true;
    bool expects_continue = false;
    /// Nothing for a chunked body; 0 when there is no body.
    std::optional<std::uint64_t> content_length = 0;
};

class RequestParser {
public:
    /// Each call returns whether parsing goes on; after a "no" the parser takes nothing more.
    enum class Next : std::uint8_t { kGoOn, kStop };
    class Sink {
    public:
        virtual ~Sink() = default;
        virtual Next on_head(ParsedHead head) = 0;
        virtual Next on_body(std::string_view bytes) = 0;
        virtual Next on_request_end() = 0;
    };
    enum class State : std::uint8_t {
        kStart,    // no byte of the next request yet
        kHead,     // inside a head
        kBody,     // head complete, body (or trailers) still coming
        kEnd,      // request complete; next() begins another
        kRefused,  // error() says why
        kStopped,  // the sink said so
        kHttp2,    // the bytes taken end with HTTP/2's connection preface
    };

    explicit RequestParser(const ServerLimits& limits);
    RequestParser(const RequestParser&) = delete;  // llhttp keeps pointers into this object
    RequestParser& operator=(const RequestParser&) = delete;

    /// Returns how many bytes were taken: all of them, unless the request ended or was refused.
    std::size_t feed(std::string_view bytes, Sink& sink);
    /// After kEnd: ready for the next request of the connection.
    void next();
    State state() const { return state_; }
    /// Only in kRefused.
    const ProtocolError& error() const { return error_; }
    /// The target as far as it is known, for an error that the connection itself finds (a
    /// time-out).
    const std::string& target() const { return target_; }
    bool is_head_method() const { return llhttp_.method == HTTP_HEAD && state_ != State::kStart; }

private:
    struct Callbacks;
    static const llhttp_settings_t& settings();
    int refuse(int status, std::string message);
    int go_on(Next next);
    int header_complete();
    int headers_complete();
    int chunk_begins();
    int count_overhead(std::size_t bytes, std::string_view what);
    int check_host();
    int check_transfer_encoding();
    int check_target();
    int check_expect();

    llhttp_t llhttp_{};
    ServerLimits limits_;
    State state_ = State::kStart;
    Sink* sink_ = nullptr;  // only inside feed()
    RequestHead head_;
    ProtocolError error_;
    std::string target_;  // also when the head was given away; these three keep their room
    std::string field_;
    std::string value_;
    std::size_t headers_ = 0;
    std::size_t head_bytes_ = 0;
    std::size_t overhead_bytes_ = 0;  // chunk extensions and trailers
    std::uint64_t body_bytes_ = 0;
    bool expects_continue_ = false;
};

}  // namespace segue::net
