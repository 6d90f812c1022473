// Any bytes, whole and cut at a place that the bytes choose, must be read in the same way.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/request_parser.hpp"

namespace {

using segue::net::ParsedHead;
using segue::net::RequestParser;

class Transcript final : public RequestParser::Sink {
public:
    RequestParser::Next on_head(ParsedHead head) override {
        text += head.request.method + ' ' + head.request.path + '?' + head.request.query + '\n';
        for (const auto& [name, value] : head.request.headers.entries())
            text.append(name).append(1, '=').append(value).append(1, '\n');
        return RequestParser::Next::kGoOn;
    }
    RequestParser::Next on_body(std::string_view bytes) override {
        text += bytes;
        return RequestParser::Next::kGoOn;
    }
    RequestParser::Next on_request_end() override {
        text += "\nend\n";
        return RequestParser::Next::kGoOn;
    }
    std::string text;
};

// Returns how far the input was read.
std::size_t read_all(RequestParser& parser, std::string_view bytes, Transcript& out) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        taken += parser.feed(bytes.substr(taken), out);
        if (parser.state() == RequestParser::State::kEnd) {
            parser.next();
        } else if (parser.state() == RequestParser::State::kHttp2) {
            out.text += "HTTP/2";
            break;
        } else if (parser.state() == RequestParser::State::kRefused) {
            out.text += "refused " + std::to_string(parser.error().status);
            break;
        }
    }
    return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    segue::net::ServerLimits limits;
    limits.max_header_bytes = 256;
    limits.max_headers = 8;
    limits.max_body_bytes = 1024;
    if (size == 0) return 0;
    const std::size_t cut = data[0] % size;
    const std::string bytes(data + 1, data + size);
    const std::string_view whole = bytes;

    Transcript at_once;
    RequestParser first(limits);
    read_all(first, whole, at_once);

    Transcript in_two;
    RequestParser second(limits);
    if (read_all(second, whole.substr(0, cut), in_two) == std::min(cut, whole.size()) &&
        second.state() != RequestParser::State::kRefused) {
        read_all(second, whole.substr(std::min(cut, whole.size())), in_two);
    }
    if (at_once.text != in_two.text) std::abort();
    return 0;
}
